/**
 * A strict reader of streamed forms (multipart/form-data, RFC 7578 and RFC 2046).
 *
 * It refuses everything that two parsers could read differently: a line end other than CRLF, a part with two
 * dispositions or with escapes that move the end of a name, the delimiter's text outside a delimiter, anything before
 * the first or after the last delimiter. busboy and \@remix-run/multipart-parser accept most of that. busboy also needs
 * Node's streams, and the other holds each part whole.
 *
 * @module
 */

import { createByteSearch, hasBytes } from '../search.ts'
import { concatBytes } from './body.ts'
import { type FormPart, parsePartHead, refuseForm } from './form-head.ts'

/** Chooses and receives the parts of a form that the gateway reads. */
export interface FormWatch {
  /** The maximum size of a part's value in bytes; 0 to pass it unread. May throw to refuse the part. */
  wants(part: FormPart): number
  /** Receives the value of a part. The form continues when the promise resolves. */
  take(part: FormPart, value: Uint8Array): Promise<void>
}

const longestHead = 16 * 1024

/**
 * Passes a form through unchanged. No byte passes before everything up to it was read.
 *
 * @throws (in the stream) CfileError `invalid_request` for an ambiguous form, and errors of `watch`
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

  /** Consumes bytes. Returns true: reading can continue. */
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
    throw refuseForm('a line begins with its boundary and continues')
  }

  function readHead(): boolean {
    const end = findBlankLine(pending)
    if ((end === -1 ? pending.length : end) > longestHead) {
      throw refuseForm(`the headers of a part are longer than ${longestHead} bytes`)
    }
    if (end === -1) return false
    const head = pending.subarray(0, end)
    if (find(head) !== -1) throw refuseForm('its boundary occurs in the headers of a part')
    value = createValueReader(watch, parsePartHead(head))
    return skip(end + 4, readValue)
  }

  async function readValue(): Promise<boolean> {
    const at = find(pending)
    // The line end before a delimiter belongs to the delimiter.
    const end = at === -1 ? pending.length - delimiter.length - 1 : at - 2
    if (at !== -1 && (end < 0 || !hasBytes(pending, end, crlf))) {
      throw refuseForm('its boundary occurs inside a line')
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
        // Runs until it needs more bytes.
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
        throw refuseForm('a part does not have the length in its Content-Length')
      }
      if (most > 0) await watch.take(part, concatBytes(chunks))
    },
  }
}
