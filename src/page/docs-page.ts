/**
 * The page at `/docs`: a list of the routes, for servers without Swagger UI.
 *
 * @module
 */

import { html } from 'hono/html'
import { type Markup, renderPage } from './frame.ts'

/** The content of the list. */
export interface DocsPage {
  readonly about: { readonly version: string; readonly description: string }
  readonly operations: readonly {
    readonly method: string
    readonly path: string
    readonly query: readonly string[]
    readonly summary: string
  }[]
  readonly nonce: string
}

/** Writes the list of the routes. It needs no script. */
export function docsPage({ about, operations, nonce }: DocsPage): Markup {
  const body = html`<h1>cfile ${about.version}</h1>
<p>${about.description}</p>
${operations.map(
  ({ method, path, query, summary }) =>
    html`<p><code>${method} ${path}${query.map((name, index) => `${index === 0 ? '?' : '&'}${name}=`)}</code><br>${summary}</p>
`,
)}<p>The OpenAI API is at <code>/openai/v1</code> and <code>/v1</code>. <a href="openapi.json">openapi.json</a> has all of this for programs.</p>`
  return renderPage({ title: 'Routes', body, nonce })
}
