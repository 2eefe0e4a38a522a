/**
 * The script of the playground. It asks for a stream, and shows text, links and pictures as they come.
 *
 * @module
 */

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
