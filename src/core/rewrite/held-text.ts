/**
 * The text of one part as it comes in pieces: whatever may still become a `sandbox:` link is held back, as the raw
 * events that brought it, and released as they were if it was none.
 *
 * @module
 */

import type { Edit } from '../json/edits.ts'
import { createJsonPrefix } from '../json/prefix.ts'
import type { Emit } from '../sse/pump.ts'
import {
  findSandboxLinks,
  lookBehind,
  mayHoldLink,
  type SandboxLink,
  toWrittenLink,
} from './sandbox-links.ts'
import { measureText, type Replacement, type TextMeasure } from './spans.ts'

/** An event that brings a piece of text. */
export interface TextPiece {
  readonly text: string
  /** The raw event, with some of its piece replaced. */
  release(edits: readonly Edit[]): Uint8Array
}

/** Options of {@link createStreamedText}. */
export interface StreamedTextOptions {
  /** What takes the place of a link; `undefined` where it stays. */
  readonly replace: (link: SandboxLink) => Promise<Replacement | undefined>
  /** Whether text was missed before the first piece. */
  readonly isTail: boolean
}

/** A text that is growing. */
export interface StreamedText {
  readonly isTail: boolean
  /** Takes the next piece; a promise where a link has to be made. */
  push(piece: TextPiece, emit: Emit): Promise<void> | undefined
  /** Puts another event behind those that are held. */
  queue(release: () => Promise<Uint8Array>): void
  isHolding(): boolean
  /** The text is whole: what is held is a link now, or none. */
  finish(emit: Emit): Promise<void>
  /** The text breaks off, so that what is held is none. */
  abandon(emit: Emit): Promise<void>
  /** Of the text so far, as the upstream sent it. */
  measure(): TextMeasure
  /** What was replaced in it. */
  replacements(): readonly Replacement[]
  /** Where in a whole text, as the upstream sent it, this one begins; `undefined` where it is another text. */
  offsetIn(whole: string): number | undefined
}

interface Held {
  /** Where in the text its piece ends. */
  readonly end: number
  release(): Uint8Array | Promise<Uint8Array>
}

/** Begins a text. */
export function createStreamedText({ replace, isTail }: StreamedTextOptions): StreamedText {
  const replacements: Replacement[] = []
  // Not the text itself: what was replaced is all that anybody asks for again.
  const replaced: { readonly start: number; readonly text: string }[] = []
  const pairs: number[] = []
  const held: Held[] = []
  const scanner = createLinkScanner({ isTail })
  let length = 0
  let lastUnit = ''

  function grow(text: string): void {
    // A pair may come in two halves.
    const half = /[\uD800-\uDBFF]/.test(lastUnit) ? lastUnit : ''
    for (const pair of measureText(half + text).pairs) pairs.push(length - half.length + pair)
    length += text.length
    lastUnit = text.at(-1) ?? lastUnit
  }

  function hold({ text, release }: TextPiece): void {
    const start = length - text.length
    const end = length
    held.push({ end, release: () => release(editsWithin(replacements, start, end)) })
  }

  async function settle(links: readonly SandboxLink[], emit: Emit): Promise<void> {
    for (const link of links) {
      const made = await replace(link)
      if (made === undefined) continue
      replacements.push(made)
      replaced.push({ start: link.start, text: toWrittenLink(link.path) })
    }
    await release(emit)
  }

  async function release(emit: Emit): Promise<void> {
    while (held[0] !== undefined && held[0].end <= scanner.open()) {
      const { release } = held[0]
      held.shift()
      emit(await release())
    }
  }

  return {
    isTail,
    push(piece, emit) {
      grow(piece.text)
      const links = scanner.push(piece.text)
      if (held.length === 0 && links.length === 0 && scanner.open() === length) {
        emit(piece.release([]))
        return undefined
      }
      hold(piece)
      return settle(links, emit)
    },
    queue(release) {
      held.push({ end: length, release })
    },
    isHolding: () => held.length > 0,
    finish: (emit) => settle(scanner.end(), emit),
    abandon(emit) {
      scanner.settle()
      return release(emit)
    },
    measure: () => ({ length, pairs }),
    replacements: () => replacements,
    offsetIn(whole) {
      const offset = whole.length - length
      const isThere = replaced.every(({ start, text }) => whole.startsWith(text, offset + start))
      return offset >= 0 && isThere ? offset : undefined
    },
  }
}

/** The new text stands where the link began; the pieces that brought the rest of it lose their share. */
function editsWithin(replacements: readonly Replacement[], start: number, end: number): Edit[] {
  return replacements
    .filter((link) => link.start < end && link.end > start)
    .map((link) => ({
      start: Math.max(link.start - start, 0),
      end: Math.min(link.end, end) - start,
      text: link.start >= start ? link.text : '',
    }))
}

/** Finds links in a growing text; their places are those in the whole of it. */
export interface LinkScanner {
  /** Takes the next piece, and gives the links that are decided with it. */
  push(piece: string): readonly SandboxLink[]
  /** The text is whole: gives the links that its end decides. */
  end(): readonly SandboxLink[]
  /** No link goes on or begins in what came so far. */
  settle(): void
  /** From here on a longer text may have a link that was not given yet. */
  open(): number
}

/** Begins a text. */
export function createLinkScanner({ isTail = false }: { readonly isTail?: boolean }): LinkScanner {
  // The text from `offset` on: what is open, and what stands before it as far as that matters.
  let text = ''
  let offset = 0
  let open = 0
  const json = createJsonPrefix()
  let jsonRead = 0

  /** Reads the text up to a place of the window, to know whether it may be JSON. */
  function isInJson(at: number): boolean {
    const piece = text.slice(jsonRead - offset, at)
    jsonRead = offset + at
    return json.read(piece)
  }

  function scan(isGrowing: boolean): readonly SandboxLink[] {
    const found = findSandboxLinks(text, {
      from: open - offset,
      isGrowing,
      isTail: isTail && offset === 0,
      isInJson,
    })
    open = offset + found.open
    return found.links.map(({ start, end, path }) => ({
      start: start + offset,
      end: end + offset,
      path,
    }))
  }

  return {
    push(piece) {
      const isSettled = open === offset + text.length
      text += piece
      const surplus = open - offset - lookBehind
      if (surplus > lookBehind) {
        isInJson(Math.max(surplus, jsonRead - offset))
        text = text.slice(surplus)
        offset += surplus
      }
      if (!isSettled || mayHoldLink(piece)) return scan(true)
      open = offset + text.length
      return []
    },
    end: () => scan(false),
    settle() {
      open = offset + text.length
    },
    open: () => open,
  }
}
