/**
 * The playground: a page that asks the model for files, shows the stream as it comes, and turns its links into
 * downloads and pictures.
 *
 * @module
 */

import { Hono } from 'hono'
import { html, raw } from 'hono/html'

const prompts = [
  'Draw a bar chart of the sales of four quarters, and save the numbers as a CSV.',
  'Write a PDF report and an Excel spreadsheet of the sales by month.',
  'Draw 12 charts.',
  'Write 5 MB of text as notes.txt.',
  'Draw a chart. [fail]',
]

/**
 * The route at `/emulator/playground`.
 *
 * @param newNonce returns an unguessable text
 */
export function playgroundRoutes(newNonce: () => string): Hono {
  const routes = new Hono()
  routes.get('/', (c) => {
    const nonce = newNonce()
    return c.html(playgroundPage(nonce), 200, {
      'content-security-policy': `default-src 'none'; connect-src 'self'; img-src 'self'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
  })
  return routes
}

/** @param nonce of this answer's style and script */
function playgroundPage(nonce: string) {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Playground · cfile</title>
<style nonce="${nonce}">${raw(style)}</style>
<main>
<h1>Playground</h1>
<p class="dim">The emulator answers here, not Azure: no model reads the request and no Python runs. The files are real.</p>
<noscript><p>The playground needs JavaScript.</p></noscript>
<div class="columns">
<section aria-label="Request and answer">
<div class="ask">
<label for="prompt">Request</label>
<textarea id="prompt" rows="2" maxlength="2000">${prompts[0]}</textarea>
<input id="key" type="password" aria-label="API key" placeholder="API key" autocomplete="off" hidden>
<div class="row"><button id="ask">Ask</button><output id="state" class="dim"></output></div>
</div>
<ul class="prompts" aria-label="Examples">${prompts.slice(1).map((prompt) => html`<li><button>${prompt}</button></li>`)}</ul>
<details id="code" hidden><summary>Python that was not run</summary><pre tabindex="0" aria-label="Python"></pre></details>
<div id="answer"></div>
<p id="page" hidden><a target="_blank" rel="noopener">Open the page of the container</a></p>
</section>
<section aria-label="Events">
<h2>Events <span id="count" class="dim"></span></h2>
<ol id="events" tabindex="0" aria-label="Events of the stream"></ol>
</section>
</div>
</main>
<script nonce="${nonce}">${raw(script)}</script>
</html>
`
}

const style: string = `:root{color-scheme:light dark;--bg:light-dark(#fff,#0d1117);--fg:light-dark(#1f2328,#e6edf3);--dim:light-dark(#59636e,#9198a1);--line:light-dark(#d1d9e0,#3d444d);--soft:light-dark(#f6f8fa,#151b23);--link:light-dark(#0969da,#4493f8);--mono:.75rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;background:var(--bg);color:var(--fg);font:.875rem/1.5 system-ui,sans-serif}
main{max-width:76rem;margin:auto;padding:clamp(1rem,4vh,2.5rem) clamp(.75rem,3vw,2rem) 4rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .25rem;font-weight:600}
h2{font-size:.875rem;margin:0 0 .5rem;font-weight:600}
p{margin:0 0 1rem}
a{color:var(--link)}
.dim,summary{color:var(--dim)}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.columns{display:grid;grid-template-columns:minmax(0,1fr) 24rem;gap:2rem;align-items:start;border-top:1px solid var(--line);padding-top:1rem}
label{display:block;font-weight:600;margin-bottom:.5rem}
textarea,input{width:100%;font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:.375rem;padding:.5rem .75rem;resize:vertical}
input{margin-top:.5rem;max-width:24rem}
.row{display:flex;gap:1rem;align-items:center;margin-top:.5rem}
button{font:inherit;font-weight:500;line-height:1.25rem;color:inherit;background:var(--soft);border:1px solid var(--line);border-radius:.375rem;padding:.3125rem .75rem;cursor:pointer}
#ask{background:light-dark(#0969da,#1f6feb);border-color:transparent;color:#fff;padding-inline:1.25rem}
#ask:disabled{opacity:.6}
.prompts{list-style:none;margin:.75rem 0 1.25rem;padding:0;display:flex;flex-wrap:wrap;gap:.375rem}
.prompts button{font-size:.75rem;font-weight:400;text-align:left;border-radius:1rem;padding:.125rem .75rem;color:var(--dim)}
.prompts button:hover{color:var(--fg);border-color:var(--dim)}
details{margin-bottom:1rem}
summary{cursor:pointer}
pre{margin:.5rem 0 0;overflow:auto;max-height:14rem;padding:.625rem .75rem;font:var(--mono);background:var(--soft);border:1px solid var(--line);border-radius:.375rem}
#answer{white-space:pre-wrap;overflow-wrap:anywhere;font-size:1rem}
#answer code{font:var(--mono);color:var(--dim)}
#answer a{font-weight:500}
#answer img{display:block;max-width:100%;max-height:16rem;margin:.5rem 0;border:1px solid var(--line);border-radius:.375rem;background:#fff;animation:appear .4s}
#page{margin-top:1rem}
.error{border:1px solid light-dark(#d1242f,#f85149);border-radius:.375rem;padding:.75rem 1rem}
ol{list-style:none;margin:0;padding:.5rem 0;font:var(--mono);height:28rem;overflow:auto;background:var(--soft);border:1px solid var(--line);border-radius:.375rem}
ol li{padding:0 .75rem;overflow-wrap:anywhere}
ol .file{color:var(--link)}
@keyframes appear{from{opacity:0}}
@media(prefers-reduced-motion:reduce){#answer img{animation:none}}
@media(max-width:60rem){.columns{grid-template-columns:minmax(0,1fr)}ol{height:14rem}}`

/** Runs in a browser. Content of an answer becomes text or an attribute, never markup. */
export const script: string = String.raw`{
const one = (selector) => document.querySelector(selector)
const make = (tag, properties) => Object.assign(document.createElement(tag), properties)
const [ask, prompt, key, state, code, answer, page, events, count] =
  ['#ask', '#prompt', '#key', '#state', '#code', '#answer', '#page', '#events', '#count'].map(one)
const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, isCalm ? 0 : ms))

for (const button of document.querySelectorAll('.prompts button')) {
  button.onclick = () => { prompt.value = button.textContent; start() }
}
ask.onclick = () => start()
prompt.onkeydown = (event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) start() }

async function start() {
  if (ask.disabled) return
  ask.disabled = true
  answer.replaceChildren()
  events.replaceChildren()
  code.hidden = page.hidden = true
  code.querySelector('pre').textContent = count.textContent = ''
  state.value = 'Answering…'
  try {
    state.value = await run()
  } catch (error) {
    state.value = ''
    answer.replaceChildren(make('p', { className: 'error', textContent: error.message }))
  }
  ask.disabled = false
}

function post(path, body) {
  const headers = { 'content-type': 'application/json' }
  if (key.value) headers.authorization = 'Bearer ' + key.value
  return fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function run() {
  const tools = [{ type: 'code_interpreter', container: { type: 'auto' } }]
  const response = await post('../openai/v1/responses', { model: 'gpt-4.1', input: prompt.value, stream: true, tools })
  if (!response.ok) {
    if (response.status === 401) key.hidden = false
    const { error } = await response.json().catch(() => ({}))
    throw new Error(error?.message ?? 'The answer has status ' + response.status + '.')
  }
  let text = ''
  const citations = []
  let container
  for await (const event of eventsOf(response)) {
    note(event)
    container = event.item?.container_id ?? container
    if (event.type === 'response.code_interpreter_call_code.delta') {
      code.hidden = false
      code.querySelector('pre').textContent += event.delta
    }
    if (event.type === 'response.output_text.delta') text += event.delta
    if (event.type === 'response.output_text.annotation.added') citations.push(event.annotation)
    if (event.type.startsWith('response.output_text.')) show(text, citations)
    if (event.type === 'error' || event.type === 'response.failed') {
      throw new Error((event.error ?? event.response.error).message)
    }
    // The emulator sends everything at once; a model does not.
    if (event.type === 'response.output_text.delta') await pause(20)
    if (event.type === 'response.output_text.done') await pause(300)
  }
  if (container) await linkPage(container)
  const files = answer.querySelectorAll('a').length
  return 'Done: ' + (files === 1 ? '1 file.' : files + ' files.')
}

async function* eventsOf(response) {
  let rest = ''
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const blocks = (rest + value).split('\n\n')
    rest = blocks.pop()
    for (const block of blocks) {
      const data = block.split('\n').find((line) => line.startsWith('data: {'))
      if (data) yield JSON.parse(data.slice(6))
    }
  }
}

let repeated = 0
function note({ type, annotation }) {
  const last = events.lastElementChild
  const name = type.replace(/^response\./, '')
  if (last?.dataset.name === name && !annotation) last.textContent = name + ' ×' + ++repeated
  else {
    repeated = 1
    const line = make('li', { textContent: name + (annotation ? ' ' + annotation.filename : ''), className: annotation ? 'file' : '' })
    line.dataset.name = name
    events.append(line)
  }
  count.textContent = Number(count.textContent) + 1
  events.scrollTop = events.scrollHeight
}

/** Shows links as written until their files are known. */
function show(text, citations) {
  const parts = []
  let at = 0
  for (const match of text.matchAll(/!?\[([^\]]*)\]\(((?:sandbox|https?):[^)]*)\)/g)) {
    const [whole, name, link] = match
    const start = match.index + whole.length - link.length - 1
    const citation = citations.find((one) => text.slice(one.start_index, one.end_index) === link && one.start_index === start)
    const url = link.startsWith('http') ? link : urlOf(citation)
    parts.push(text.slice(at, match.index), ...(url ? fileOf(name, url) : [make('code', { textContent: whole })]))
    at = match.index + whole.length
  }
  parts.push(text.slice(at))
  answer.replaceChildren(...parts)
}

const pictures = new Map()
function fileOf(name, link) {
  // The same path on this page's host, whose name may differ from the links.
  const { pathname } = new URL(link, location.href)
  const file = make('a', { href: pathname, textContent: name, download: '' })
  if (!/\.(png|jpe?g|gif|webp)$/i.test(name)) return [file]
  if (!pictures.has(pathname)) pictures.set(pathname, make('img', { src: pathname, alt: name }))
  return [file, pictures.get(pathname)]
}

/** Without cfile in front of the emulator an annotation has no link. */
function urlOf(citation) {
  if (!citation) return undefined
  const { download_url, container_id, file_id } = citation
  return download_url ?? '../openai/v1/containers/' + container_id + '/files/' + file_id + '/content'
}

async function linkPage(container_id) {
  const response = await post('../links', { container_id, kind: 'page' })
  if (!response.ok) return
  const { download_url } = await response.json()
  page.querySelector('a').href = new URL(download_url).pathname
  page.hidden = false
}
}`
