/**
 * Runs of events that bring text of an answer in which no link is, read in the form in which the service writes them.
 *
 * @module
 */

import { bytesOf } from './byte-search.ts'
import { endOfLastLine, readLines } from './event-lines.ts'
import { stringAt, stringEnd } from './json-spans.ts'
import { mayHoldLink } from './sandbox-links.ts'

/** What a run of events brought to the text of one part; no link is in it, and none can begin at its end. */
export interface TextRun {
  readonly outputIndex: number
  readonly contentIndex: number
  readonly text: string
  /** Where the events end. */
  readonly end: number
}

const placeOfText = /"output_index":(\d+),"content_index":(\d+),"delta":"/

/** Reads a run of text deltas that begins here; `undefined` where there is none. */
export function readTextRun(bytes: Uint8Array, start: number): TextRun | undefined {
  const lines = readLines(bytes, start, textPrefix)
  const [place, outputIndex, contentIndex] = placeOfText.exec(lines.text) ?? []
  if (place === undefined) return undefined
  const all = readTexts(lines.text, place, () => false)
  // One piece may begin what the next does not go on with, so each alone says more often that it may be a link.
  const { text, end } = mayHoldLink(all.text) ? readTexts(lines.text, place, mayHoldLink) : all
  return end === 0
    ? undefined
    : {
        outputIndex: Number(outputIndex),
        contentIndex: Number(contentIndex),
        text,
        end: start + lines.bytesTo(end),
      }
}

const textDelta = 'event: response.output_text.delta\ndata: {'
const textPrefix = bytesOf(textDelta)

/** Reads deltas of one place up to the first that is none, or that is not to be read on. */
function readTexts(lines: string, place: string, isLast: (piece: string) => boolean) {
  let text = ''
  let end = 0
  // What stands before the text is as long as in the delta before, or nearly so.
  let head = 0
  while (isAt(lines, end, textDelta)) {
    const isThere = isAt(lines, end + head, place)
    const at = isThere ? end + head : lines.indexOf(place, end + textDelta.length)
    const quote = at + place.length - 1
    const value = { start: quote, end: stringEnd(lines, quote) }
    const next = endOfLastLine(lines, end + textDelta.length)
    const piece = stringAt(lines, value)
    if (at === -1 || value.end === -1 || value.end > next || piece === undefined) break
    if (isLast(piece)) break
    text += piece
    head = at - end
    end = next
  }
  return { text, end }
}

/** What `startsWith` does, in half the time. */
function isAt(text: string, start: number, wanted: string): boolean {
  return text.slice(start, start + wanted.length) === wanted
}
