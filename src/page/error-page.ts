/**
 * The page of an error, for people who followed a link in a browser.
 *
 * @module
 */

import { html } from 'hono/html'
import type { CfileError, ErrorCode } from '../core/errors.ts'
import { type Markup, renderPage } from './frame.ts'

/** The content of the page. */
interface ErrorPage {
  readonly error: CfileError
  readonly requestId: string
  readonly nonce: string
}

const titles: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'A key is needed',
  signature_invalid: 'This link is not valid',
  link_expired: 'This link has expired',
  container_unknown: 'Not found',
  file_not_found: 'File not found',
  container_not_found: 'Container not found',
  not_found: 'Not found',
  container_expired: 'This file is gone',
  rate_limited: 'Too many requests',
  upstream_throttled: 'Too many requests',
  not_ready: 'Not available at the moment',
  file_too_large: 'This file is too large',
}

/** Writes the page. */
export function errorPage({ error, requestId, nonce }: ErrorPage): Markup {
  const { code, status, message, details } = error
  const title = titles[code] ?? (status < 500 ? 'This request is not valid' : 'This did not work')
  const body = html`<p class="dim">${status} <code>${code}</code></p>
<h1>${title}</h1>
<p>${message}</p>
${details.hint === undefined ? '' : html`<p class="box">${details.hint}</p>`}
<dl>
<dt>Request id</dt><dd><code>${requestId}</code></dd>
</dl>`
  return renderPage({ title, body, nonce })
}
