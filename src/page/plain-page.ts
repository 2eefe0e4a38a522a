/**
 * The frame of pages that are a few lines of text: one style, no script, nothing from elsewhere.
 *
 * @module
 */

import { html, raw } from 'hono/html'

/** What {@link html} makes. */
export type Markup = ReturnType<typeof html>

/** A page of text. */
export interface PlainPage {
  readonly title: string
  readonly body: Markup
  /** Lets the page's style pass its Content-Security-Policy; new for each answer. */
  readonly nonce: string
}

const style =
  raw(`:root{color-scheme:light dark;--dim:light-dark(#595959,#a6a6a6);--line:light-dark(#d4d4d4,#444)}
*{box-sizing:border-box}
body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:40rem;padding:clamp(2rem,12vh,8rem) 1.25rem 3rem;background:light-dark(#fff,#1b1b1b);color:light-dark(#1b1b1b,#eee)}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}
p{margin:0 0 1rem;overflow-wrap:anywhere}
a{color:light-dark(#0b57d0,#8ab4f8)}
code{font:.875em/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:2rem 0 0;padding-top:1rem;border-top:1px solid var(--line);font-size:.875rem}
dt{color:var(--dim)}
dd{margin:0;overflow-wrap:anywhere}`)

/** Writes a page. */
export function plainPage({ title, body, nonce }: PlainPage): Markup {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · cfile</title>
<style nonce="${nonce}">${style}</style>
<main>
${body}
</main>
</html>
`
}

/** The headers of a page: it may load nothing but its own style, and no page may frame it. */
export function plainPageHeaders(nonce: string): Record<string, string> {
  return {
    'content-security-policy': `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'cache-control': 'private, no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    vary: 'accept',
  }
}
