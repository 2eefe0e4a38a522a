/**
 * The text of one part while it streams. Events whose text may belong to a `sandbox:` link are held back until the link
 * is decided. Without a link they are released unchanged. Also the parts of one stream, each with its text.
 *
 * @module
 */

import type { Edit } from '../../json/edits.ts'
import { createJsonPrefix } from '../../json/prefix.ts'
import type { Emit } from '../../sse/pump.ts'
import {
  findSandboxLinks,
  lookBehind,
  mayHoldLink,
  type SandboxLink,
  toWrittenLink,
} from '../text/sandbox-links.ts'
import {
  createSpanMemory,
  measureText,
  type Replacement,
  type SpanMemory,
  type TextMeasure,
} from '../text/spans.ts'
import type { EventFields } from './events.ts'

/** An event that carries a piece of text. */
interface TextPiece {
  readonly text: string
  readonly raw: Uint8Array
}

/** Options of {@link createStreamedText}. */
interface StreamedTextOptions {
  /** Makes the replacement of a link; `undefined` if the link stays. */
  readonly replace: (link: SandboxLink) => Promise<Replacement | undefined>
  /** Applies edits to the piece of text in a raw event. */
  readonly edit: (raw: Uint8Array, edits: readonly Edit[]) => Uint8Array
  /** Whether the stream was joined after this text began. */
  readonly isTail: boolean
}

/** A text that is still growing. */
export interface StreamedText {
  readonly isTail: boolean
  /** Adds the next piece. Returns a promise if a link has to be made. */
  push(piece: TextPiece, emit: Emit): Promise<void> | undefined
  /**
   * Adds a piece that cannot contain or begin a link. Returns `false`, and adds nothing, if it can, or while events are
   * held.
   */
  pass(text: string): boolean
  /** Queues an event without text after the held events. */
  queue(release: () => Promise<Uint8Array>): void
  isHolding(): boolean
  /** Decides all held text, because the text is complete. */
  finish(emit: Emit): Promise<void>
  /** Releases all held text unchanged, because the text broke off. */
  abandon(emit: Emit): Promise<void>
  /** The measure of the text received so far, before replacements. */
  measure(): TextMeasure
  /** The replacements made so far. */
  replacements(): readonly Replacement[]
  /**
   * Where this text begins in a whole text as the upstream sent it; `undefined` if the whole text is a different one.
   */
  offsetIn(whole: string): number | undefined
}

interface Held {
  /** The offset in the text at which the event's piece ends. */
  readonly end: number
  release(): Uint8Array | Promise<Uint8Array>
}

/**
 * Creates the buffer for one streamed text.
 *
 * @param options how a link is replaced and an event edited, and whether the beginning of the text was missed
 */
export function createStreamedText({ replace, edit, isTail }: StreamedTextOptions): StreamedText {
  const replacements: Replacement[] = []
  // Only the replaced links are kept, not the whole text, because only they are compared later.
  const replaced: { readonly start: number; readonly text: string }[] = []
  const pairs: number[] = []
  const held: Held[] = []
  const scanner = createLinkScanner({ isTail })
  let length = 0
  let lastUnit = ''

  function grow(text: string): void {
    // A surrogate pair may be split between two pieces.
    const half = /[\uD800-\uDBFF]/.test(lastUnit) ? lastUnit : ''
    for (const pair of measureText(half + text).pairs) pairs.push(length - half.length + pair)
    length += text.length
    lastUnit = text.at(-1) ?? lastUnit
  }

  function hold({ text, raw }: TextPiece): void {
    const start = length - text.length
    const end = length
    const copy = raw.slice()
    held.push({ end, release: () => edit(copy, editsWithin(replacements, start, end)) })
  }

  async function replaceAndRelease(links: readonly SandboxLink[], emit: Emit): Promise<void> {
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
        emit(piece.raw)
        return undefined
      }
      hold(piece)
      return replaceAndRelease(links, emit)
    },
    pass(text) {
      if (held.length > 0 || mayHoldLink(text)) return false
      grow(text)
      scanner.push(text)
      return true
    },
    queue(release) {
      held.push({ end: length, release })
    },
    isHolding: () => held.length > 0,
    finish: (emit) => replaceAndRelease(scanner.end(), emit),
    abandon(emit) {
      scanner.ruleOut()
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

/**
 * The edits for one piece. The replacement goes into the piece where the link begins; later pieces lose their part of
 * the link.
 */
function editsWithin(replacements: readonly Replacement[], start: number, end: number): Edit[] {
  return replacements
    .filter((link) => link.start < end && link.end > start)
    .map((link) => ({
      start: Math.max(link.start - start, 0),
      end: Math.min(link.end, end) - start,
      text: link.start >= start ? link.text : '',
    }))
}

/** Finds links in a growing text. Offsets count from the start of the whole text. */
interface LinkScanner {
  /** Adds the next piece and returns the links that it completes. */
  push(piece: string): readonly SandboxLink[]
  /** Returns the links that the end of the text decides. */
  end(): readonly SandboxLink[]
  /** Rules out a link in the text so far. */
  ruleOut(): void
  /** The offset from which more text may still complete a link. */
  open(): number
}

/**
 * Creates a scanner for one text.
 *
 * @param options whether the beginning of the text was missed: then a link at its start counts only if no context
 *   could change its end
 */
export function createLinkScanner({ isTail = false }: { readonly isTail?: boolean }): LinkScanner {
  // The window of the text from `offset` on: the undecided rest, and some context before it.
  let text = ''
  let offset = 0
  let open = 0
  const json = createJsonPrefix()
  let jsonRead = 0

  /** Reads the text up to an offset of the window and returns whether that place is inside a JSON string. */
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
    ruleOut() {
      open = offset + text.length
    },
    open: () => open,
  }
}

/** The state of a text part, from its first event on. */
export interface StreamPart {
  readonly outputIndex: number
  readonly contentIndex: number
  /** Whether the stream may have been joined in the middle of this part. */
  readonly isTail: boolean
  readonly memory: SpanMemory
  /** The streamed text, from the first delta on. */
  streamed?: StreamedText
  /** The replacements in the last whole copy; the next copy gets the same. */
  decided?: { readonly text: string; readonly replacements: readonly Replacement[] }
}

/** The text parts of one stream. */
export interface StreamParts {
  /** Whether no event has been read yet. */
  isNew(): boolean
  /** Records an event. Call it before `at`. */
  addEvent(event: EventFields): void
  at(outputIndex: number, contentIndex: number): StreamPart
  /** The parts with held text. */
  holding(): readonly StreamPart[]
}

/** Creates an empty collection of parts. */
export function createStreamParts(): StreamParts {
  const parts = new Map<string, StreamPart>()
  const begun = new Set<string>()
  // Most deltas belong to the same part as the one before.
  let latest: StreamPart | undefined
  let isResumed: boolean | undefined

  return {
    isNew: () => isResumed === undefined,
    addEvent({ type, sequenceNumber = 0, outputIndex = 0, contentIndex = 0 }) {
      isResumed ??= sequenceNumber > 0 && type !== 'response.created'
      if (type === 'response.content_part.added') begun.add(`${outputIndex} ${contentIndex}`)
    },
    at(outputIndex, contentIndex) {
      if (latest?.outputIndex === outputIndex && latest.contentIndex === contentIndex) return latest
      const key = `${outputIndex} ${contentIndex}`
      const part = parts.get(key) ?? {
        outputIndex,
        contentIndex,
        isTail: isResumed === true && !begun.has(key),
        memory: createSpanMemory(),
      }
      parts.set(key, part)
      latest = part
      return part
    },
    holding: () => [...parts.values()].filter(({ streamed }) => streamed?.isHolding()),
  }
}
