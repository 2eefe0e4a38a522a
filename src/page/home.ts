/**
 * The pages at `/` and at `/docs`. The second lists the routes if there is no Swagger UI.
 *
 * @module
 */

import { html } from 'hono/html'
import { type Markup, renderPage } from './frame.ts'

/** The content of the page at `/`. */
interface HomePage {
  readonly version: string
  /** Base of every link, without a slash at its end. */
  readonly publicUrl: string
  /** Whether the built-in emulator answers instead of Azure. */
  readonly isEmulated: boolean
  readonly nonce: string
}

/** Writes the page at `/`. */
export function homePage({ version, publicUrl, isEmulated, nonce }: HomePage): Markup {
  const body = html`<h1>cfile</h1>
<p>This server serves the files that the code interpreter of Azure OpenAI writes.</p>
${isEmulated ? playground(publicUrl) : ''}
<p>Base URL of OpenAI clients:<br><code>${publicUrl}/openai/v1</code></p>
<dl>
<dt><a href="${publicUrl}/docs">Routes</a></dt><dd>every route, with its parameters and answers</dd>
<dt><a href="${publicUrl}/openapi.json">OpenAPI document</a></dt><dd>the same, for programs</dd>
<dt><a href="${publicUrl}/readyz">Readiness</a></dt><dd>whether the store and the archive answer</dd>
<dt>Version</dt><dd>${version}</dd>
</dl>`
  return renderPage({ title: 'Files of the code interpreter', body, nonce })
}

/**
 * The note about the emulator, with a link to its playground.
 *
 * @param publicUrl base of every link
 */
function playground(publicUrl: string): Markup {
  return html`<p class="box">It runs on its built-in emulator, not on Azure: no model reads the requests. <a href="${publicUrl}/emulator/playground">The playground</a> asks it for files.</p>`
}

/** A route on the page at `/docs`. */
export interface ListedRoute {
  readonly method: string
  /** Path with its parameters in braces. */
  readonly path: string
  /** Names of its query parameters. */
  readonly query: readonly string[]
  readonly summary: string
}

/** The content of the page at `/docs`. */
interface DocsPage {
  readonly about: { readonly version: string; readonly description: string }
  readonly routes: readonly ListedRoute[]
  readonly nonce: string
}

/** Writes the list of the routes. It needs no script. */
export function docsPage({ about, routes, nonce }: DocsPage): Markup {
  const body = html`<h1>cfile ${about.version}</h1>
<p>${about.description}</p>
${routes.map(
  ({ method, path, query, summary }) =>
    html`<p><code>${method} ${path}${query.map((name, index) => `${index === 0 ? '?' : '&'}${name}=`)}</code><br>${summary}</p>
`,
)}<p>The OpenAI API is at <code>/openai/v1</code> and <code>/v1</code>. <a href="openapi.json">openapi.json</a> has all of this for programs.</p>`
  return renderPage({ title: 'Routes', body, nonce })
}
