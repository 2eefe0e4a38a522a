/**
 * The playground: a page that asks the model for files, shows the stream, and turns its links into downloads and
 * pictures.
 *
 * @module
 */

import { Hono } from 'hono'
import { html, raw } from 'hono/html'
import { script } from './script.ts'
import { style } from './style.ts'

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
