/**
 * The page of a container: what is in it, to be looked at and taken along. It runs no script.
 *
 * @module
 */

import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { style } from './style.ts'

/** A file as the page shows it. */
export interface PageFile {
  readonly filename: string
  /** `null` where Azure does not say. */
  readonly bytes: number | null
  /** Unix seconds. */
  readonly created_at: number
  readonly download_url: string
  /** A link that shows the file in place; absent for what is no picture. */
  readonly preview_url?: string
}

/** What the page tells of a container. */
export interface ContainerPage {
  readonly containerId: string
  readonly files: readonly PageFile[]
  readonly zipUrl: string
  /** Seconds until the container is gone at the latest; 0: it is gone, and these are copies. Absent: nobody knows. */
  readonly secondsLeft?: number
  /** Of the Content-Security-Policy, which lets no other style in. */
  readonly nonce: string
}

/** Writes the page. */
export function containerPage(page: ContainerPage): string {
  const { containerId, files, zipUrl, secondsLeft, nonce } = page
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>${countOf(files.length)} · cfile</title>
<style nonce="${nonce}">${raw(style)}</style>
<header>
<h1>${countOf(files.length)}</h1>
${files.length === 0 ? undefined : html`<a class="button" href="${zipUrl}" download>Download all (.zip, ${sizeOf(totalOf(files))})</a>`}
</header>
<p class="dim">${timeLeft(secondsLeft)} <code>${containerId}</code></p>
<ul>${files.map(fileItem)}</ul>
${files.length === 0 ? html`<p>The code interpreter has written nothing here yet.</p>` : undefined}
</html>
`.toString()
}

function fileItem({
  filename,
  bytes,
  created_at,
  download_url,
  preview_url,
}: PageFile): HtmlEscapedString | Promise<HtmlEscapedString> {
  const ending = /\.([A-Za-z0-9]{1,5})$/.exec(filename)?.[1] ?? 'file'
  const preview =
    preview_url === undefined
      ? html`<span class="none" aria-hidden="true">${ending}</span>`
      : html`<a href="${preview_url}"><img src="${preview_url}" alt="${filename}" loading="lazy"></a>`
  return html`<li>${preview}<div><a href="${download_url}" download>${filename}</a><br>
<small>${sizeOf(bytes)} · <time datetime="${isoTime(created_at)}">${isoTime(created_at).slice(0, 16).replace('T', ' ')} UTC</time></small></div></li>
`
}

/** `null` where the size of one is not known. */
function totalOf(files: readonly PageFile[]): number | null {
  return files.reduce<number | null>(
    (sum, { bytes }) => (sum === null || bytes === null ? null : sum + bytes),
    0,
  )
}

function countOf(files: number): string {
  return files === 1 ? '1 file' : `${files} files`
}

function timeLeft(seconds: number | undefined): string {
  if (seconds === undefined) return 'Azure keeps a container for an hour at most.'
  if (seconds <= 0) return 'The container is gone; these are the copies that were kept.'
  const minutes = Math.ceil(seconds / 60)
  return `At most ${minutes === 1 ? '1 minute' : `${minutes} minutes`} left, fewer if nobody uses it.`
}

/** In the unit that a person would take. */
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

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
