/**
 * A request's body on its way upstream: read where what it names matters, streamed where it does not.
 *
 * @module
 */

import type { Operation } from '../core/api-operations.ts'
import { parseJson, readBounded } from '../core/body.ts'
import { CfileError } from '../core/errors.ts'
import { formBoundary, watchField } from '../core/form-fields.ts'
import { isId } from '../core/ids.ts'
import { unlinkBytes } from '../core/unlink.ts'
import { mayName, notThere } from './authorize.ts'
import type { Caller, Gateway } from './gateway.ts'

/** What goes upstream. */
export interface SentBody {
  /** A stream can be sent only once. */
  readonly bytes: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null
  /** Its JSON value, where it was read and is one. */
  readonly json?: unknown
  /** Throws what broke the body off on its way, where we did. */
  readonly check?: () => void
}

/**
 * Reads a request's body if it must be: to know what it names, to send it again, to take out what was added to the
 * answers that it replays.
 *
 * @throws CfileError `payload_too_large`
 */
export async function readSentBody(
  gateway: Gateway,
  caller: Caller,
  {
    headers,
    body,
  }: { readonly headers: Headers; readonly body: ReadableStream<Uint8Array> | null },
  { isQuick, takesHistory, collection }: Operation,
): Promise<SentBody> {
  const type = headers.get('content-type') ?? ''
  const decides = gateway.knowsCallers || gateway.upstreams.length > 1
  if (body !== null && /^multipart\//i.test(type)) {
    return collection === 'files' ? watchForm(gateway, caller, type, body) : { bytes: body }
  }
  if (body === null || !(decides || takesHistory || isQuick)) return { bytes: body }
  const { whole } = await readBounded(body, gateway.maxBodyBytes)
  if (whole === undefined) throw tooLarge(gateway.maxBodyBytes)
  return {
    bytes: takesHistory ? unlinkBytes(whole, gateway.publicUrl) : whole,
    json: parseJson(whole),
  }
}

/** A form is never held, so the one field in which it names a file is checked while it passes. */
function watchForm(
  gateway: Gateway,
  caller: Caller,
  type: string,
  body: ReadableStream<Uint8Array>,
): SentBody {
  if (!gateway.knowsCallers || caller.admin) return { bytes: body }
  const boundary = formBoundary(type)
  if (boundary === undefined) {
    throw new CfileError('invalid_request', 'The form has no boundary in its content type.')
  }
  let refusal: CfileError | undefined
  const watched = watchField(boundary, 'file_id', async (id) => {
    if (isId(id) && (await mayName(gateway, caller, 'file', id))) return
    refusal = notThere('file')
    throw refusal
  })
  return {
    bytes: body.pipeThrough(watched),
    check() {
      if (refusal !== undefined) throw refusal
    },
  }
}

function tooLarge(limit: number): CfileError {
  return new CfileError(
    'payload_too_large',
    `The body is larger than the ${limit} bytes that are read.`,
    { param: 'CFILE_MAX_BODY_BYTES' },
  )
}
