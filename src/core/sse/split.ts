/**
 * Server-sent events (WHATWG HTML §9.2), cut apart without altering a byte: whoever joins the pieces has the stream.
 *
 * @module
 */

import { bytesOf, hasBytes } from '../bytes/search.ts'
import { createGrowing } from '../http/body.ts'
import { parseText } from '../json/value.ts'

const lf = 10
const cr = 13

/** Options of {@link splitEvents}. */
export interface SplitOptions {
  /** A longer event is not held until it is whole: it passes in pieces, in which nothing is read. @default 64 MiB */
  readonly maxEventBytes?: number
}

/**
 * Cuts a stream into its events: each chunk that comes out is one whole event with the blank line that ends it, blank
 * lines before it included, or what was left when the stream ended. All chunks joined are the input. An event that lies
 * in one chunk is a view of that chunk, not a copy.
 */
export function splitEvents(options: SplitOptions = {}): TransformStream<Uint8Array, Uint8Array> {
  const splitter = createSplitter(options)
  return new TransformStream({
    transform(chunk, controller) {
      for (const event of splitter.push(chunk)) controller.enqueue(event)
    },
    flush(controller) {
      for (const event of splitter.end()) controller.enqueue(event)
    },
  })
}

/** The events of a whole transcript, in order, the last one even if no blank line ends it. */
export function* eventsIn(bytes: Uint8Array): Generator<Uint8Array> {
  const splitter = createSplitter()
  yield* splitter.push(bytes)
  yield* splitter.end()
}

/** Cuts bytes that come in any pieces into events. */
export interface EventSplitter {
  /** Takes the next bytes, and yields the events that they complete. */
  push(chunk: Uint8Array): Generator<Uint8Array>
  /** Yields what is left. */
  end(): Generator<Uint8Array>
}

/** What {@link splitEvents} does, for those who bring their own stream. */
export function createSplitter(options: SplitOptions = {}): EventSplitter {
  const { maxEventBytes = 64 * 1024 ** 2 } = options
  let held = createGrowing(maxEventBytes)
  let isTooLong = false
  const endsEvent = createLineState()

  /** The event that ends with this piece. */
  function take(piece: Uint8Array): Uint8Array {
    let event = piece
    if (held.length > 0) {
      held.push(piece)
      event = held.bytes()
    }
    if (isTooLong) event = toFragment(event)
    held = createGrowing(maxEventBytes)
    isTooLong = false
    return event
  }

  function* hold(piece: Uint8Array): Generator<Uint8Array> {
    if (!isTooLong && held.length + piece.byteLength <= maxEventBytes) {
      held.push(piece)
      return
    }
    isTooLong = true
    for (const fragment of [held.bytes(), piece]) {
      if (fragment.byteLength > 0) yield toFragment(fragment)
    }
    held = createGrowing(maxEventBytes)
  }

  return {
    *push(chunk) {
      const nextLineEnd = findLineEnds(chunk)
      let start = 0
      let at = 0
      for (;;) {
        const end = nextLineEnd(at)
        if (end > at) endsEvent.text()
        if (end === chunk.byteLength) break
        at = end + 1
        if (!endsEvent.lineEnd(chunk[end])) continue
        if (chunk[end] === cr && chunk[at] === lf) at += 1
        yield take(chunk.subarray(start, at))
        start = at
      }
      if (start === chunk.byteLength) return
      const rest = chunk.subarray(start)
      // Blank lines belong to no event, so they wait for none.
      if (endsEvent.isBlank()) yield rest
      else yield* hold(rest)
    },
    *end() {
      if (held.length > 0) yield take(new Uint8Array())
    },
  }
}

interface LineState {
  /** Something that is no line end was seen. */
  text(): void
  /** A line end was seen: whether an event ends with it. */
  lineEnd(byte: number | undefined): boolean
  /** Whether the event has had nothing but line ends. */
  isBlank(): boolean
}

/** A line ends with CR, LF or CRLF; an event ends with a blank line that is not its first. */
function createLineState(): LineState {
  let isBlank = true
  let isLineBlank = true
  let isAfterCr = false
  return {
    text() {
      isBlank = false
      isLineBlank = false
      isAfterCr = false
    },
    lineEnd(byte) {
      const isSecondHalf = isAfterCr && byte === lf
      isAfterCr = byte === cr
      if (isSecondHalf) return false
      const isEnd = isLineBlank && !isBlank
      isBlank ||= isEnd
      isLineBlank = true
      return isEnd
    },
    isBlank: () => isBlank,
  }
}

/** `indexOf` is native, so most bytes are never looked at here; each is searched once for either line end. */
function findLineEnds(chunk: Uint8Array): (from: number) => number {
  const find = (byte: number, from: number): number => {
    const found = chunk.indexOf(byte, from)
    return found === -1 ? chunk.byteLength : found
  }
  let nextLf = -1
  let nextCr = -1
  return (from) => {
    if (nextLf < from) nextLf = find(lf, from)
    if (nextCr < from) nextCr = find(cr, from)
    return Math.min(nextLf, nextCr)
  }
}

/** A piece of an event that was too long. A class of its own, because read alone a piece may look like an event. */
class EventFragment extends Uint8Array<ArrayBufferLike> {}

function toFragment({ buffer, byteOffset, byteLength }: Uint8Array): EventFragment {
  return new EventFragment(buffer, byteOffset, byteLength)
}

/** The fields of an event that we use. */
export interface ServerSentEvent {
  /** Empty where there is none. */
  readonly event: string
  /** The data lines, joined by line feeds. */
  readonly data: string
}

const decoder = new TextDecoder()

/**
 * Reads the fields of one event; comments and unknown fields are passed over. A piece of an event that was too long has
 * no fields.
 */
export function parseEvent(raw: Uint8Array): ServerSentEvent {
  let event = ''
  const data: string[] = []
  if (raw instanceof EventFragment) return { event, data: '' }
  for (const line of decoder.decode(raw).split(/\r\n|\r|\n/)) {
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') event = value
    if (field === 'data') data.push(value)
  }
  return { event, data: data.join('\n') }
}

const dataField = bytesOf('data:')

/** Where an event's data stands in its bytes; `undefined` where that is not one line. */
export function dataSpan(raw: Uint8Array): { start: number; end: number } | undefined {
  let found: { start: number; end: number } | undefined
  for (let start = 0; start < raw.length; ) {
    const lineEnd = raw.indexOf(lf, start)
    const end = lineEnd === -1 ? raw.length : lineEnd
    if (hasBytes(raw, start, dataField)) {
      if (found !== undefined) return undefined
      found = { start: start + dataField.length, end }
    }
    start = end + 1
  }
  return found
}

/** The JSON value in an event's data, or `undefined` where it holds none, as in `[DONE]`. */
export function eventJson(raw: Uint8Array): unknown {
  return parseText(parseEvent(raw).data)
}
