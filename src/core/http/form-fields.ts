/**
 * A strict reader of forms (multipart/form-data, RFC 7578 and RFC 2046) that pass as a stream.
 *
 * What two parsers could read in two ways is refused: a line end that is no CRLF, a head with two dispositions or with
 * escapes that move a name's end, the delimiter's text anywhere but in a delimiter, anything before the first delimiter
 * or behind the last. busboy and \@remix-run/multipart-parser accept most of that, as a server may that is alone; the
 * former needs Node's streams, the latter holds each part whole.
 *
 * @module
 */

import { createByteSearch, hasBytes } from '../bytes/search.ts'
import { concatBytes } from './body.ts'
import { type FormPart, parsePartHead, refuseForm } from './form-head.ts'

/** The parts of a form that the gateway reads. */
export interface FormWatch {
  /** How many bytes of a part's value are wanted at most; 0: none, it passes unread. May throw to refuse it. */
  wants(part: FormPart): number
  /** Takes the value of such a part; the form goes on when it resolves. */
  take(part: FormPart, value: Uint8Array): Promise<void>
}

const longestHead = 16 * 1024

/**
 * Passes a form on as it is. No byte passes before what stands in front of it was read.
 *
 * @throws (in the stream) CfileError `invalid_request` for a form that can be read in two ways, and what `watch` throws
 */
export function watchForm(
  boundary: string,
  watch: FormWatch,
): TransformStream<Uint8Array, Uint8Array> {
  const reader = createFormReader(boundary, watch)
  return new TransformStream({
    async transform(chunk, controller) {
      await reader.push(chunk)
      controller.enqueue(chunk)
    },
    flush: () => reader.end(),
  })
}

interface FormReader {
  push(chunk: Uint8Array): Promise<void>
  end(): void
}

const crlf = new Uint8Array([13, 10])
const dashes = new Uint8Array([45, 45])
const findBlankLine = createByteSearch('\r\n\r\n')

function createFormReader(boundary: string, watch: FormWatch): FormReader {
  const delimiter = new TextEncoder().encode(`--${boundary}`)
  const find = createByteSearch(`--${boundary}`)
  let pending: Uint8Array = new Uint8Array()
  let read: () => boolean | Promise<boolean> = readStart
  let value: ValueReader = nothing

  /** Takes bytes off; whether the reading can go on. */
  function skip(bytes: number, next: typeof read): true {
    pending = pending.subarray(bytes)
    read = next
    return true
  }

  function readStart(): boolean {
    const { length } = delimiter
    if (pending.length < length + 2) return false
    if (!hasBytes(pending, 0, delimiter)) throw refuseForm('it does not begin with its boundary')
    return skip(length, readDelimiterEnd)
  }

  function readDelimiterEnd(): boolean {
    if (pending.length < 2) return false
    if (hasBytes(pending, 0, dashes)) return skip(2, readRest)
    if (hasBytes(pending, 0, crlf)) return skip(2, readHead)
    throw refuseForm('a line begins with its boundary and goes on')
  }

  function readHead(): boolean {
    const end = findBlankLine(pending)
    if ((end === -1 ? pending.length : end) > longestHead) {
      throw refuseForm(`the head of a part is longer than ${longestHead} bytes`)
    }
    if (end === -1) return false
    const head = pending.subarray(0, end)
    if (find(head) !== -1) throw refuseForm('its boundary stands in the head of a part')
    value = createValueReader(watch, parsePartHead(head))
    return skip(end + 4, readValue)
  }

  async function readValue(): Promise<boolean> {
    const at = find(pending)
    // The line end before a delimiter belongs to it.
    const end = at === -1 ? pending.length - delimiter.length - 1 : at - 2
    if (at !== -1 && (end < 0 || !hasBytes(pending, end, crlf))) {
      throw refuseForm('its boundary stands inside a line')
    }
    if (end > 0) value.push(pending.subarray(0, end))
    if (at === -1) {
      pending = pending.subarray(Math.max(end, 0))
      return false
    }
    await value.end()
    return skip(at + delimiter.length, readDelimiterEnd)
  }

  function readRest(): boolean {
    if (pending.length > 2 || !hasBytes(crlf, 0, pending)) {
      throw refuseForm('something follows its last boundary')
    }
    return false
  }

  return {
    async push(chunk) {
      pending = pending.length === 0 ? chunk : concatBytes([pending, chunk])
      while (await read()) {
        // Until it has to wait for more.
      }
    },
    end() {
      if (read !== readRest || pending.length === 1) throw refuseForm('it ends too early')
    },
  }
}

interface ValueReader {
  push(bytes: Uint8Array): void
  end(): Promise<void>
}

const nothing: ValueReader = { push() {}, async end() {} }

function createValueReader(watch: FormWatch, part: FormPart): ValueReader {
  const most = watch.wants(part)
  const chunks: Uint8Array[] = []
  let length = 0
  return {
    push(bytes) {
      length += bytes.length
      if (most === 0) return
      if (length > most) throw refuseForm(`the field "${part.name}" is longer than ${most} bytes`)
      chunks.push(bytes)
    },
    async end() {
      if (part.length !== undefined && part.length !== length) {
        throw refuseForm('a part has not the length that it announces')
      }
      if (most > 0) await watch.take(part, concatBytes(chunks))
    },
  }
}
