/**
 * The frame of every page: one style sheet, no content of other hosts, and at most one script.
 *
 * @module
 */

import { html, raw } from 'hono/html'

/** The result of {@link html}. */
export type Markup = ReturnType<typeof html>

/** A page. */
interface Page {
  readonly title: string
  readonly body: Markup
  /** Layout of `main`. @default 'text', a narrow column */
  readonly layout?: 'text' | 'list'
  /** A constant script. It must not contain parts of requests or files. */
  readonly script?: string
  /** Lets the style and the script pass the Content-Security-Policy; new for each answer. */
  readonly nonce: string
}

/**
 * Writes a page.
 *
 * @param page its text is escaped; its style and script are constants
 */
export function renderPage({ title, body, layout = 'text', script, nonce }: Page): Markup {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} \u00b7 cfile</title>
<style nonce="${nonce}">${raw(style)}</style>
<main class="${layout}">
${body}
</main>
${script === undefined ? '' : html`<script nonce="${nonce}">${raw(script)}</script>`}
</html>
`
}

/** Sources that a page may load in addition to its style sheet. */
interface PageSources {
  /** The origin of its pictures. */
  readonly pictures?: string
  readonly script?: boolean
}

/**
 * The headers of a page. No other page may frame it, and no cache keeps it.
 *
 * @param nonce nonce of the style sheet and the script
 * @see https://www.w3.org/TR/CSP3/
 */
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

const base = `:root{color-scheme:light dark;--bg:light-dark(#fff,#0d1117);--dim:light-dark(#59636e,#9198a1);--link:light-dark(#0969da,#4493f8);--line:#8885;--soft:#8881;--mono:.75rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;background:var(--bg);font:.875rem/1.5 system-ui,sans-serif}
main{max-width:66rem;margin:auto;padding:clamp(1rem,4vh,2.5rem) clamp(.75rem,3vw,2rem) 4rem}
main.text{max-width:42rem;padding-top:clamp(2rem,12vh,8rem);font-size:1rem}
h1{font-size:1.5rem;line-height:1.25;margin:0;font-weight:600}
p{margin:0 0 1rem;overflow-wrap:anywhere}
.text h1{margin-bottom:1rem}
a{color:var(--link);text-decoration:none}
a:hover,p>a{text-decoration:underline}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
code{font:var(--mono);overflow-wrap:anywhere}
.dim,dt,li time{color:var(--dim)}
.box{background:var(--soft);border:1px solid var(--line);border-radius:.375rem;padding:.75rem 1rem}
.button,button,select,input{font:inherit;font-weight:500;line-height:1.25rem;color:inherit;background:var(--soft);border:1px solid var(--line);border-radius:.375rem;padding:.375rem .75rem}
.button{display:inline-block;white-space:nowrap}
.main{background:light-dark(#0969da,#1f6feb);border-color:transparent;color:#fff}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:2rem 0 0;padding-top:1rem;border-top:1px solid var(--line);font-size:.875rem}
dd{margin:0;overflow-wrap:anywhere}`

const list = `header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center}
header p{flex:1 1 20rem;margin:0}
dl.facts{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;margin:.75rem 0 1rem;padding-top:.75rem}
.tools{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin-bottom:.5rem}
input{flex:1 1 8rem;min-width:0;max-width:24rem;background:var(--bg);font-weight:400}
ul{list-style:none;margin:0;padding:0;border:1px solid var(--line);border-radius:.375rem;display:grid;grid-template-columns:auto 1fr repeat(5,auto);column-gap:1rem}
li{display:grid;grid-column:1/-1;grid-template-columns:subgrid;align-items:center;padding:.375rem .75rem;font-size:.8125rem}
li+li{border-top:1px solid var(--line)}
li:hover{background:var(--soft)}
.thumb{display:grid;place-content:center;width:2rem;height:2rem;border-radius:.375rem;overflow:hidden;background:var(--soft);border:1px solid var(--line);color:var(--dim);font-size:.5625rem;font-weight:600}
.thumb img{width:2rem;height:2rem;object-fit:cover}
.name{overflow-wrap:anywhere;font-size:.875rem}
.name a{font-weight:500}
.tag{padding:0 .5rem;border:1px solid var(--line);border-radius:1rem;font-size:.75rem;color:var(--dim);white-space:nowrap}
.meta{display:contents;color:var(--dim);white-space:nowrap}
.size{text-align:right}
.acts{display:flex;gap:.75rem;justify-content:end}
.copy{padding:0;line-height:inherit;border:0;background:none;color:var(--link);font-weight:400;cursor:pointer}
details{grid-column:2/-1}
summary{color:var(--dim);cursor:pointer}
@supports selector(::details-content){details{display:contents}
::details-content{grid-column:2/-1}
summary{grid-column:7;grid-row:1;list-style:none;padding:.5rem;margin:-.5rem}
[open]>summary{rotate:180deg}}
.scroll,pre{overflow:auto;width:fit-content;max-width:100%;max-height:22rem;margin:.375rem 0 .5rem;background:var(--bg);border:1px solid var(--line);border-radius:.375rem}
pre{padding:.75rem;font:var(--mono);white-space:pre}
table{border-collapse:collapse;margin:0 -1px -1px 0;font-size:.75rem}
td,th{padding:.25rem .75rem;text-align:left;border:solid var(--line);border-width:0 1px 1px 0;max-width:20rem;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
th{position:sticky;top:0;background:var(--bg)}
.shot{display:block;margin:.375rem 0 .5rem}
.shot img{display:block;max-width:100%;max-height:20rem;border-radius:.375rem;border:1px solid var(--line);background:#fff}
dialog{border:0;padding:0;width:100%;height:100%;max-width:100%;max-height:100%;color-scheme:dark}
dialog[open]{display:grid;grid-template-rows:1fr auto}
dialog img{min-height:0;max-width:100%;max-height:100%;margin:auto;padding:1rem;object-fit:contain}
dialog p{display:flex;gap:.5rem;align-items:center;margin:0;padding:.75rem}
dialog a{flex:1}
@media(max-width:44rem){.facts div{display:flex;gap:.5rem;width:100%}
.facts dt{flex:none;width:4.5rem}
ul{grid-template-columns:auto 1fr auto;column-gap:.75rem}
.thumb{grid-row:1/span 2;align-self:start}
.name{grid-row:1;grid-column:2}
.meta{display:flex;flex-wrap:wrap;gap:0 .75rem;grid-row:2;grid-column:2}
.kind{display:none}
summary{grid-column:3}
::details-content{grid-column:1/-1}
header code{font-size:.625rem}
header .button{width:100%;text-align:center}}`

/** One style sheet for all pages. */
const style: string = `${base}
${list}`
