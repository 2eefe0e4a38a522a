/**
 * Splits a stream of server-sent events (WHATWG HTML §9.2) into events without changing a byte.
 *
 * @module
 */

import { createGrowingBuffer } from '../http/body.ts'
import { parseText } from '../json/value.ts'
import { bytesOf, hasBytes } from '../search.ts'

const lf = 10
const cr = 13

/** Options of {@link createSplitter}. */
interface SplitOptions {
  /**
   * Size limit for an event that is held until it is complete, in bytes. A longer event passes in fragments, which have
   * no fields. @default 64 MiB
   */
  readonly maxEventBytes?: number
}

/**
 * The events of a whole transcript, in order. The last event may lack its final blank line.
 *
 * @param bytes a whole stream
 */
export function* eventsIn(bytes: Uint8Array): Generator<Uint8Array> {
  const splitter = createSplitter()
  yield* splitter.push(bytes)
  yield* splitter.end()
}

/**
 * Returns the offset behind events that need not be looked at, which are not yielded; the given offset if there are none.
 * Their lines end with line feeds.
 *
 * @param start offset in the chunk at which an event begins
 */
type SkipEvents = (start: number) => number

/** Splits bytes in chunks of any size into events. */
interface EventSplitter {
  /**
   * Adds bytes and yields the events that they complete.
   *
   * @param skip called before each event that begins in this chunk
   */
  push(chunk: Uint8Array, skip?: SkipEvents): Generator<Uint8Array>
  /** Yields the rest. */
  end(): Generator<Uint8Array>
}

/**
 * Creates a splitter. Each result is one whole event with the blank line that ends it, further blank lines, or the rest
 * at the end of the stream. The concatenated results equal the input. Where chunks begin and end makes no difference to
 * the events, except that a line feed behind the carriage return that ends an event may follow it as a blank line. An
 * event inside one chunk is a view, not a copy.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export function createSplitter(options: SplitOptions = {}): EventSplitter {
  const { maxEventBytes = 64 * 1024 ** 2 } = options
  let held = createGrowingBuffer(maxEventBytes)
  let isTooLong = false
  const endsEvent = createLineState()

  /** Completes the current event with its last piece. */
  function take(piece: Uint8Array): Uint8Array {
    let event = piece
    if (held.length > 0) {
      held.push(piece)
      event = held.bytes()
      held = createGrowingBuffer(maxEventBytes)
    }
    if (isTooLong) event = toFragment(event)
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
    held = createGrowingBuffer(maxEventBytes)
  }

  return {
    *push(chunk, skip = skipNothing) {
      const nextLineEnd = findLineEnds(chunk)
      let start = endsEvent.isBlank() ? skip(0) : 0
      let at = start
      if (start > 0) endsEvent.skip()
      for (;;) {
        const end = nextLineEnd(at)
        if (end > at) {
          // Blank lines never become part of the next event, since they may also have come in an earlier chunk.
          if (endsEvent.isBlank() && at > start) {
            yield chunk.subarray(start, at)
            start = at
          }
          endsEvent.text()
        }
        if (end === chunk.byteLength) break
        at = end + 1
        if (!endsEvent.lineEnd(chunk[end])) continue
        if (chunk[end] === cr && chunk[at] === lf) at += 1
        yield take(chunk.subarray(start, at))
        at = skip(at)
        start = at
      }
      if (start === chunk.byteLength) return
      const rest = chunk.subarray(start)
      // Blank lines are sent at once: they keep connections alive.
      if (endsEvent.isBlank()) yield rest
      else yield* hold(rest)
    },
    *end() {
      if (held.length > 0) yield take(new Uint8Array())
    },
  }
}

const skipNothing: SkipEvents = (start) => start

interface LineState {
  /** Records that whole events were skipped. */
  skip(): void
  /** Records content of a line. */
  text(): void
  /** Records a line end; returns whether it ends an event. */
  lineEnd(byte: number | undefined): boolean
  /** Whether the event consists of line ends only so far. */
  isBlank(): boolean
}

/** Tracks lines. A line ends with CR, LF or CRLF. An event ends with a blank line after at least one other line. */
function createLineState(): LineState {
  let isBlank = true
  let isLineBlank = true
  let isAfterCr = false
  return {
    skip() {
      isAfterCr = false
    },
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

/** Finds line ends by `indexOf`, which is native. Each byte is searched once for each of the two characters. */
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

/**
 * A fragment of an event that was too long. It has a class of its own, because on its own a fragment may look like an
 * event.
 */
class EventFragment extends Uint8Array<ArrayBufferLike> {}

function toFragment({ buffer, byteOffset, byteLength }: Uint8Array): EventFragment {
  return new EventFragment(buffer, byteOffset, byteLength)
}

/** The fields of an event that cfile uses. */
interface ServerSentEvent {
  /** Empty if the event has no name. */
  readonly event: string
  /** The data lines, joined by line feeds. */
  readonly data: string
}

const decoder = new TextDecoder()

/**
 * Parses one event. Ignores comments and unknown fields. A fragment of an event that was too long has no fields.
 *
 * @param raw one event with its framing
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

/**
 * The place of an event's data in its bytes; `undefined` if the data is not exactly one line.
 *
 * @param raw one event with its framing
 * @returns `[start, end)` in bytes, without the field's name
 */
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

/**
 * The JSON value in an event's data; `undefined` if the data is not JSON, as in `[DONE]`.
 *
 * @param raw one event with its framing
 */
export function eventJson(raw: Uint8Array): unknown {
  return parseText(parseEvent(raw).data)
}
