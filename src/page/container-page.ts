/**
 * The page of a container: its files with previews, downloads and a zip. It works without its script.
 *
 * @module
 */

import { html } from 'hono/html'
import { cleanFilename } from '../core/http/content-disposition.ts'
import type { PreviewedFile } from '../gateway/containers/describe.ts'
import type { Expiry } from '../gateway/upstreams/expiry.ts'
import { filePreview } from './file-preview.ts'
import { type Markup, renderPage } from './frame.ts'

/** The content of the page. Times are unix seconds. */
export interface ContainerPage {
  readonly containerId: string
  readonly files: readonly PreviewedFile[]
  readonly zipUrl: string
  readonly now: number
  /** When the container ends; absent if unknown. */
  readonly life?: Expiry
  /** Whether the container has expired, so that the files are copies. */
  readonly isExpired: boolean
  /** When the links of the page expire. */
  readonly linksEndAt: number
  /** Seconds that a copy is kept, 0 for ever; absent if no copies are kept. */
  readonly copyTtl?: number
  readonly nonce: string
}

// More rows would make the page slow. The zip has all files.
const mostRows = 1000
// With more files, all previews are closed at first, so that the page fits on one or two screens.
const mostOpen = 4
// Files from which on the page has a filter and sorting.
const minForTools = 6
// Bytes. A thumbnail loads the whole picture.
const mostThumbBytes = 2e6

/**
 * Writes the page.
 *
 * @param page content of the page; all text in it is escaped
 */
export function containerPage(page: ContainerPage): Markup {
  const { containerId, files, zipUrl, nonce } = page
  const rows = files.slice(0, mostRows)
  const isOpen = files.length <= mostOpen
  const body = html`<header>
<h1>${countOf(files.length)}</h1>
<p class="dim"><code>${containerId}</code></p>
<output class="dim"></output>
${files.length === 0 ? '' : html`<a class="button main" href="${zipUrl}" download>Download all (.zip, ${sizeOf(totalOf(files))})</a>`}
</header>
<dl class="facts">${factsOf(page)}</dl>
${files.length === 0 ? html`<p class="box">The code interpreter has written no files here yet.</p>` : ''}
${files.length < minForTools ? '' : tools}
${files.length === 0 ? '' : html`<ul role="list">${rows.map((file) => rowOf(file, page, isOpen))}</ul>`}
${rows.length < files.length ? html`<p class="dim">The first ${rows.length} of ${files.length} files are shown; the zip holds all of them.</p>` : ''}`
  return renderPage({ title: countOf(files.length), body, layout: 'list', script, nonce })
}

/** The lines below the title: how long the links, the container and the copies last. */
function factsOf(page: ContainerPage): Markup[] {
  const { life, isExpired, linksEndAt, now, copyTtl, files } = page
  const copies = files.filter(({ archived }) => archived).length
  const facts: [string, Markup | string][] = [['Links', html`work until ${timeOf(linksEndAt)}`]]
  if (isExpired) facts.unshift(['Container', 'gone; these files are copies'])
  else if (life === undefined) facts.unshift(['Container', 'lives for an hour at most'])
  else facts.unshift(['Container', endOf(life, now)])
  if (copyTtl === undefined) facts.push(['Copies', 'none are kept; download what you need'])
  else facts.push(['Copies', `${copies} of ${files.length} kept`])
  return facts.map(([term, text]) => html`<div><dt>${term}</dt><dd>${text}</dd></div>`)
}

/**
 * When a container ends.
 *
 * @param now unix seconds
 */
function endOf({ expiresAt, isProlongedByUse }: Expiry, now: number): Markup {
  const minutes = Math.max(0, Math.ceil((expiresAt - now) / 60))
  const left = minutes === 1 ? '1 minute' : `${minutes} minutes`
  const when = isProlongedByUse
    ? 'later if somebody uses it'
    : 'at the latest, earlier if nobody uses it'
  return html`ends ${timeOf(expiresAt)} (${left} left), ${when}`
}

// Hidden until the script runs, since they do not work without it.
const tools = html`<div class="tools" hidden>
<input type="search" placeholder="Filter" aria-label="Filter files">
<select aria-label="Sort by"><option value="">Newest first<option value="name">Name<option value="size">Largest first<option value="kind">Kind</select>
</div>`

/**
 * One file: thumbnail, name with download link, kind, size, time, and its preview.
 *
 * @param isOpen whether the preview is open at first
 */
function rowOf(file: PreviewedFile, { copyTtl }: ContainerPage, isOpen: boolean): Markup {
  const { filename, path, bytes, created_at, kind, download_url, view_url, archived } = file
  const preview = filePreview(file)
  const isPicture = kind === 'Picture' && view_url !== undefined
  const view = html`<a${isPicture ? html` class="pic"` : ''} href="${view_url ?? ''}" target="_blank" rel="noopener" aria-label="View ${filename}">View</a>`
  return html`<li data-size="${bytes ?? -1}">${thumbOf(file, isPicture)}
<span class="name">${folderOf(path)}<a href="${download_url}" download>${filename}</a>${archived ? html` <span class="tag">${keptFor(created_at, copyTtl)}</span>` : ''}</span>
<span class="meta"><span class="kind">${kind}</span><span class="size">${sizeOf(bytes)}</span>${timeOf(created_at)}
<span class="acts">${view_url === undefined ? '' : view}<button class="copy" aria-label="Copy link to ${filename}" hidden>Copy link</button></span></span>
${preview === undefined ? '' : html`<details${isOpen ? html` open` : ''}><summary aria-label="Preview of ${filename}">\u25be</summary>${preview}</details>`}</li>
`
}

/** The picture itself at small size, or the ending of the name. */
function thumbOf({ filename, bytes, view_url }: PreviewedFile, isPicture: boolean): Markup {
  const ending = /\.([A-Za-z0-9]{1,4})$/.exec(filename)?.[1]?.toUpperCase() ?? ''
  if (!isPicture) return html`<span class="thumb" aria-hidden="true">${ending}</span>`
  // Not for keyboards and screen readers, since the link "View" leads to the same picture.
  const image =
    bytes !== null && bytes <= mostThumbBytes
      ? html`<img src="${view_url}" alt="" loading="lazy">`
      : ending
  return html`<a class="thumb" href="${view_url}" tabindex="-1" aria-hidden="true">${image}</a>`
}

/**
 * The folders of a path below `/mnt/data/`; `undefined` for a file directly in it.
 *
 * @param path full path in the container
 */
function folderOf(path: string): Markup | undefined {
  const folders = path
    .replace(/^\/mnt\/data\//, '')
    .split('/')
    .slice(0, -1)
  if (folders.length === 0) return undefined
  return html`<span class="dim">${folders.map(cleanFilename).join('/').slice(0, 300)}/</span>`
}

/**
 * Says how long a copy is kept. The copy is at most an hour younger than its file, so this is a lower bound.
 *
 * @param createdAt unix second
 * @param ttl lifetime of a copy in seconds; 0: unlimited
 */
function keptFor(createdAt: number, ttl = 0): Markup | string {
  return ttl === 0 ? 'kept' : html`kept until ${timeOf(createdAt + ttl)}`
}

/** Returns the total size; `null` if a size is unknown. */
function totalOf(files: readonly PreviewedFile[]): number | null {
  return files.reduce<number | null>(
    (sum, { bytes }) => (sum === null || bytes === null ? null : sum + bytes),
    0,
  )
}

/** The number of files in words, which is also the title. */
function countOf(files: number): string {
  return files === 1 ? '1 file' : `${files} files`
}

/**
 * Writes a size in a suitable unit.
 *
 * @param bytes size; `null` if unknown
 */
function sizeOf(bytes: number | null): string {
  if (bytes === null) return 'size unknown'
  const units = ['KB', 'MB', 'GB']
  if (bytes < 1000) return `${bytes} bytes`
  let size = bytes
  let unit = 'bytes'
  for (const larger of units) {
    if (size < 999.5) break
    size /= 1000
    unit = larger
  }
  return `${size < 9.95 ? size.toFixed(1) : Math.round(size)} ${unit}`
}

// The last second that a date can hold.
const lastSecond = 8.64e12

/**
 * Writes a time in UTC. The script converts it to local time.
 *
 * @param seconds unix seconds
 */
function timeOf(seconds: number): Markup {
  const time = new Date(Math.min(seconds, lastSecond) * 1000).toISOString()
  return html`<time datetime="${time}">${time.slice(0, 16).replace('T', ' ')} UTC</time>`
}

/** The script of the page. It is short, since every page contains it. */
const script: string = `{
const d=document,one=(s,e=d)=>e.querySelector(s),all=(s,e=d)=>[...e.querySelectorAll(s)]
const list=one('ul'),rows=all('li'),input=one('input'),select=one('select'),said=one('output')
for(const t of all('time'))t.textContent=new Date(t.dateTime).toLocaleString([],{month:'short',day:'numeric',hour:'numeric',minute:'2-digit'})
for(const e of all('.tools,.copy'))e.hidden=false
const text=(r,s)=>one(s,r).textContent,by=(a,b,s)=>text(a,s).localeCompare(text(b,s),[],{numeric:true})
const orders={
name:(a,b)=>by(a,b,'.name a'),
size:(a,b)=>b.dataset.size-a.dataset.size,
kind:(a,b)=>by(a,b,'.kind')||orders.name(a,b)}
if(input){
select.onchange=()=>list.append(...rows.toSorted(orders[select.value]||(()=>0)))
input.oninput=()=>{const q=input.value.trim().toLowerCase()
for(const r of rows)r.hidden=!(text(r,'.name')+text(r,'.kind')).toLowerCase().includes(q)
said.value=q&&rows.filter(r=>!r.hidden).length+' of '+rows.length}}
const box=d.createElement('dialog');box.ariaLabel='Picture'
box.innerHTML='<img><p><a download></a><span></span><button>Previous</button><button>Next</button><button autofocus>Close</button></p>'
const [img,name,place,back,on,close]=all('img,a,span,button',box)
let shown=[],at=0
const show=n=>{at=(n+shown.length)%shown.length;const r=shown[at].closest('li'),a=one('.name a',r)
img.src=shown[at].href;img.alt=name.textContent=a.textContent;name.href=a.href
place.textContent=at+1+' of '+shown.length;back.hidden=on.hidden=shown.length<2}
back.onclick=()=>show(at-1);on.onclick=()=>show(at+1);close.onclick=()=>box.close();img.onclick=close.onclick
box.onkeydown=e=>{if(e.key=='ArrowLeft')show(at-1);if(e.key=='ArrowRight')show(at+1)}
d.body.append(box)
d.onclick=async e=>{const t=e.target.closest('.copy,.shot,a.thumb,.pic');if(!t||e.ctrlKey||e.metaKey)return
const r=t.closest('li')
if(t.matches('.copy')){const url=one('.name a',r).href
try{await navigator.clipboard.writeText(url);t.textContent='Copied';said.value='Link copied';setTimeout(()=>{t.textContent='Copy link';said.value=''},2000)}
catch{prompt('Copy this link:',url)}}
else{e.preventDefault();shown=all('li:not([hidden]) a.thumb');box.showModal();show(shown.indexOf(one('a.thumb',r)))}}
}`
