/**
 * The fields of a form (multipart/form-data, RFC 7578), read while it passes.
 *
 * @module
 */

import { CfileError } from './errors.ts'

/** The boundary in a form's media type; `undefined` for any other type. */
export function formBoundary(contentType: string | null): string | undefined {
  const [, quoted, plain] =
    /^multipart\/form-data\b.*?;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType ?? '') ?? []
  return quoted ?? plain
}

const longestField = 16 * 1024

/**
 * Passes a form on as it is and tells of each field of one name; the form's end waits until its field was approved.
 *
 * @param approve rejects to break the form off
 * @throws (in the stream) CfileError `invalid_request` for a part whose head, or such a field, is longer than 16 KiB
 */
export function watchField(
  boundary: string,
  name: string,
  approve: (value: string) => Promise<void>,
): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder('latin1')
  // Parsers that take bare line feeds exist, so this one does too.
  const delimiter = `\n--${boundary}`
  let pending = '\n'
  let isInHead = false

  /** Reads on as far as it can; resolves to whether more may be read. */
  async function readPart(): Promise<boolean> {
    if (!isInHead) {
      const start = pending.indexOf(delimiter)
      isInHead = start !== -1
      pending = pending.slice(isInHead ? start + delimiter.length : 1 - delimiter.length)
      return isInHead
    }
    const { index = -1, 0: blank = '' } = /\n\r?\n/.exec(pending) ?? {}
    if (index === -1) return wait()
    if (nameIn(pending.slice(0, index)) === name) {
      const from = index + blank.length
      const end = pending.indexOf(delimiter, from - 1)
      if (end === -1) return wait()
      await approve(pending.slice(from, Math.max(from, end)).trim())
    }
    pending = pending.slice(index)
    isInHead = false
    return true
  }

  function wait(): false {
    if (pending.length <= longestField) return false
    throw new CfileError(
      'invalid_request',
      'A part of the form has a head or a field that is too long.',
    )
  }

  return new TransformStream({
    async transform(chunk, controller) {
      pending += decoder.decode(chunk)
      while (await readPart()) {
        // Until it has to wait for more.
      }
      controller.enqueue(chunk)
    },
  })
}

function nameIn(head: string): string | undefined {
  const [, quoted, plain] = /[;\s]name\*?\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(head) ?? []
  return (quoted ?? plain)
    ?.replace(/^utf-8'[^']*'/i, '')
    .replace(/%5f/gi, '_')
    .toLowerCase()
}
