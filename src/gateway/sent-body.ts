/**
 * A request's body on its way upstream: read where what it names matters, streamed where it does not.
 *
 * @module
 */

import type { Operation } from '../core/api-operations.ts'
import { parseJson, readBounded } from '../core/body.ts'
import { CfileError } from '../core/errors.ts'
import { unlinkBytes } from '../core/unlink.ts'
import type { Gateway } from './gateway.ts'

/** What goes upstream. */
export interface SentBody {
  /** A stream can be sent only once. */
  readonly bytes: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null
  /** Its JSON value, where it was read and is one. */
  readonly json?: unknown
}

/**
 * Reads a request's body if it must be: to know what it names, to send it again, to take out what was added to the
 * answers that it replays.
 *
 * @throws CfileError `payload_too_large`
 */
export async function readSentBody(
  gateway: Gateway,
  {
    headers,
    body,
  }: { readonly headers: Headers; readonly body: ReadableStream<Uint8Array> | null },
  { isQuick, takesHistory }: Operation,
): Promise<SentBody> {
  const isForm = /^multipart\//i.test(headers.get('content-type') ?? '')
  const decides = gateway.knowsCallers || gateway.upstreams.length > 1
  if (body === null || isForm || !(decides || takesHistory || isQuick)) return { bytes: body }
  const { whole } = await readBounded(body, gateway.maxBodyBytes)
  if (whole === undefined) throw tooLarge(gateway.maxBodyBytes)
  return {
    bytes: takesHistory ? unlinkBytes(whole, gateway.publicUrl) : whole,
    json: parseJson(whole),
  }
}

function tooLarge(limit: number): CfileError {
  return new CfileError(
    'payload_too_large',
    `The body is larger than the ${limit} bytes that are read.`,
    { param: 'CFILE_MAX_BODY_BYTES' },
  )
}
