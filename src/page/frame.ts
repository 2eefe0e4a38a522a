/**
 * The frame of every page: one style sheet, nothing from other hosts, and a script only where the page has one.
 *
 * @module
 */

import { html, raw } from 'hono/html'
import { style } from './style.ts'

/** What {@link html} makes. */
export type Markup = ReturnType<typeof html>

/** A page. */
export interface Page {
  readonly title: string
  readonly body: Markup
  /** Of `main`. @default 'text', a narrow column */
  readonly layout?: 'text' | 'list'
  /** A constant of ours; it holds nothing of a request or a file. */
  readonly script?: string
  /** Lets the style and the script pass the Content-Security-Policy; new for each answer. */
  readonly nonce: string
}

/** Writes a page. */
export function renderPage({ title, body, layout = 'text', script, nonce }: Page): Markup {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · cfile</title>
<style nonce="${nonce}">${raw(style)}</style>
<main class="${layout}">
${body}
</main>
${script === undefined ? '' : html`<script nonce="${nonce}">${raw(script)}</script>`}
</html>
`
}

/** What a page may load beside its own style sheet. */
export interface PageSources {
  /** The origin of its pictures. */
  readonly pictures?: string
  readonly script?: boolean
}

/** The headers of a page. No other page may frame it, and no cache keeps it. */
export function pageHeaders(
  nonce: string,
  { pictures, script = false }: PageSources = {},
): Record<string, string> {
  const policy = [
    "default-src 'none'",
    ...(pictures === undefined ? [] : [`img-src ${pictures}`]),
    `style-src 'nonce-${nonce}'`,
    ...(script ? [`script-src 'nonce-${nonce}'`] : []),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'content-security-policy': policy.join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'private, no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    vary: 'accept',
  }
}
