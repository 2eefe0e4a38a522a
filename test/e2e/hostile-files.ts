/**
 * Hostile files: each tries to run a script in a way that browsers allow or once allowed.
 *
 * @module
 */

/** A file as the upstream has it, and what the browser is to save it as. */
export interface HostileFile {
  readonly id: string
  readonly name: string
  /** What the upstream says it is. */
  readonly type: string
  readonly body: string
  /** @default the name */
  readonly savedAs?: string
}

/** What a script that runs writes to the console. */
export const ranMark = 'IT RAN'

/** The files; their scripts tell the console, a dialog and a server of the attacker's. */
export function hostileFiles(beacon: string): HostileFile[] {
  const script = `console.log('${ranMark}');try{alert('${ranMark}')}catch{};new Image().src='${beacon}/image';location='${beacon}/location'`
  const attribute = script.replaceAll("'", '&#39;')
  const html = `<!doctype html><title>x</title><script>${script}</script><img src=x onerror="${attribute}"><meta http-equiv="refresh" content="0;url=${beacon}/refresh"><link rel=stylesheet href="${beacon}/style"><form action="${beacon}/form"><input autofocus onfocus="${attribute}"></form><iframe src="javascript:${attribute}"></iframe><iframe srcdoc="<script>${attribute}</script>"></iframe>`
  const svg = `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="${attribute}"><script>${script.replaceAll('&', '&amp;')}</script><foreignObject><body xmlns="http://www.w3.org/1999/xhtml" onload="${attribute}"/></foreignObject></svg>`
  const xhtml = `<html xmlns="http://www.w3.org/1999/xhtml"><body onload="${attribute}"><script>${script}</script></body></html>`
  const xslt = `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#s"?><!DOCTYPE d [<!ATTLIST xsl:stylesheet id ID #REQUIRED>]><d><xsl:stylesheet id="s" version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><html><body><script>${script}</script></body></html></xsl:template></xsl:stylesheet></d>`
  const mhtml = `MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n${html}\r\n--b--\r\n`
  const gif = `GIF89a/*\u0001\u0001\u0001\u0001*/=1;${script}//${html}`
  const files: Omit<HostileFile, 'id'>[] = [
    { name: 'page.html', type: 'text/html', body: html },
    { name: 'page.HTML', type: 'TEXT/HTML; charset=utf-7', body: html },
    { name: 'shouting.htm', type: 'application/octet-stream', body: html },
    { name: 'picture.svg', type: 'image/svg+xml', body: svg },
    { name: 'page.xhtml', type: 'application/xhtml+xml', body: xhtml },
    { name: 'sheet.xml', type: 'text/xml', body: xslt },
    { name: 'feed.rss', type: 'application/rss+xml', body: xhtml },
    { name: 'code.js', type: 'text/javascript', body: script },
    { name: 'code.mjs', type: 'application/octet-stream', body: script },
    { name: 'archive.mhtml', type: 'multipart/related', body: mhtml },
    { name: 'document.pdf', type: 'application/pdf', body: pdf(`app.alert('${ranMark}')`) },
    { name: 'notes.txt', type: 'text/plain', body: html },
    { name: 'data.csv', type: 'text/csv', body: html },
    { name: 'data.json', type: 'application/json', body: html },
    { name: 'page-inside.png', type: 'image/png', body: html },
    { name: 'vector-inside.png', type: 'image/png', body: svg },
    { name: 'polyglot.gif', type: 'image/gif', body: gif },
    { name: 'page-that-says-html.png', type: 'text/html', body: html },
    { name: 'two-types.txt', type: 'text/plain, text/html', body: html },
    { name: 'no-type', type: '', body: html },
    { name: 'unknown.zzz', type: 'application/x-unknown', body: html },
    { name: 'sniffed', type: 'unknown/unknown', body: html },
    { name: '../../up.html', type: 'text/html', body: html, savedAs: '_.._up.html' },
    { name: 'quo"te;x=.html', type: 'text/html', body: html, savedAs: 'quo_te;x=.html' },
    { name: 'cr\r\nx: y.html', type: 'text/html', body: html, savedAs: 'cr__x_ y.html' },
    { name: 'gnp.\u202elmth', type: 'text/html', body: html, savedAs: 'gnp._lmth' },
    { name: 'Übersicht 😀.html', type: 'text/html', body: html },
  ]
  return files.map((file, index) => ({ id: `cfile_hostile${100 + index}`, ...file }))
}

function pdf(code: string): string {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R /OpenAction 4 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /AA << /O 4 0 R >> >>',
    `<< /Type /Action /S /JavaScript /JS (${code}) >>`,
  ]
  const body = objects.map((object, index) => `${index + 1} 0 obj ${object} endobj\n`).join('')
  return `%PDF-1.7\n${body}trailer << /Root 1 0 R /Size 5 >>\n%%EOF\n`
}
