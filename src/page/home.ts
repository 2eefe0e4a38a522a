/**
 * The page at `/`: what is served here, and where to read on.
 *
 * @module
 */

import { html } from 'hono/html'
import { type Markup, plainPage } from './plain-page.ts'

/** What the page tells. */
export interface HomePage {
  readonly version: string
  /** Base of every link, without a slash at its end. */
  readonly publicUrl: string
  readonly nonce: string
}

/** Writes the page. */
export function homePage({ version, publicUrl, nonce }: HomePage): Markup {
  const body = html`<h1>cfile</h1>
<p>This server hands out the files that the code interpreter of Azure OpenAI writes.</p>
<p>SDKs take <code>${publicUrl}/openai/v1</code> as their base URL.</p>
<p><a href="${publicUrl}/docs">Routes</a> · <a href="${publicUrl}/openapi.json">OpenAPI document</a> · <a href="${publicUrl}/readyz">State</a></p>
<dl>
<dt>Version</dt><dd>${version}</dd>
</dl>`
  return plainPage({ title: 'Files of the code interpreter', body, nonce })
}
