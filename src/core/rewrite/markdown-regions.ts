/**
 * Where in a Markdown text its links and its code are: what stands there can become no link.
 *
 * @module
 */

import type { Span } from '../json/spans.ts'

// Each is bounded, so that a text of nothing but opening marks costs no more than its length.
const regions = [
  // A fenced block, up to its closing fence or the text's end.
  String.raw`(?<=^|\n) {0,3}(?<fence>\x60{3,}|~{3,})[^\n]*(?:\n[\s\S]*?(?:\n {0,3}\k<fence>[\x60~]*[ \t]*(?=\n|$)|$)|$)`,
  // A code span.
  String.raw`(?<!\x60)(?<ticks>\x60{1,20})(?!\x60)[\s\S]{1,2000}?(?<!\x60)\k<ticks>(?!\x60)`,
  // A link or an image, with its destination or its reference.
  String.raw`\[(?:[^[\]\n]|\[[^[\]\n]{0,200}\]){0,500}\](?:\((?:[^()\n\\]|\\.|\([^()\n]{0,200}\)){0,4096}\)|\[[^\]\n]{0,200}\])`,
  // A link of HTML, any other tag, an autolink.
  String.raw`<[aA]\b[^<>]{0,4096}>[\s\S]{0,500}?<\/[aA]>`,
  String.raw`<[^<>\n]{1,4096}>`,
  // A bare URL.
  String.raw`(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{0,20}:\/\/[^\s<>"'\x60)\]]{1,4096}`,
]
const region = new RegExp(regions.join('|'), 'g')

/** The links and the code of a text, in order. */
export function findLinksAndCode(text: string): Span[] {
  return Array.from(text.matchAll(region), ({ 0: found, index }) => ({
    start: index,
    end: index + found.length,
  }))
}
