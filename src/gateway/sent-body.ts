/**
 * A request's body on its way upstream: read where what it names matters, streamed where it does not.
 *
 * @module
 */

import type { Operation } from '../core/api-operations.ts'
import { parseJson, readBounded } from '../core/body.ts'
import { CfileError } from '../core/errors.ts'
import { atMost } from '../core/exact-length.ts'
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
    const form = limitForm(gateway, headers, body)
    return collection === 'files' ? watchForm(gateway, caller, type, form) : form
  }
  if (body === null || !(decides || takesHistory || isQuick)) return { bytes: body }
  const { whole } = await readBounded(body, gateway.maxBodyBytes)
  if (whole === undefined) throw tooLarge(gateway.maxBodyBytes)
  return {
    bytes: takesHistory ? unlinkBytes(whole, gateway.publicUrl) : whole,
    json: parseJson(whole),
  }
}

/** A body that is still to come. */
interface SentForm extends SentBody {
  readonly bytes: ReadableStream<Uint8Array>
}

// What a form has beside its file: boundaries, heads, the purpose.
const besideFile = 1024

/** A form that announces its length is judged by that; another breaks off where it becomes too long. */
function limitForm(
  { maxFileBytes }: Gateway,
  headers: Headers,
  body: ReadableStream<Uint8Array>,
): SentForm {
  const most = maxFileBytes + besideFile
  const announced = headers.get('content-length')
  if (Number(announced) > most) throw uploadTooLarge(maxFileBytes)
  if (announced !== null) return { bytes: body }
  let refusal: CfileError | undefined
  const limit = atMost(most, () => {
    refusal = uploadTooLarge(maxFileBytes)
    return refusal
  })
  return {
    bytes: body.pipeThrough(limit),
    check() {
      if (refusal !== undefined) throw refusal
    },
  }
}

/** A form is never held, so the one field in which it names a file is checked while it passes. */
function watchForm(gateway: Gateway, caller: Caller, type: string, form: SentForm): SentBody {
  if (!gateway.knowsCallers || caller.admin) return form
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
    bytes: form.bytes.pipeThrough(watched),
    check() {
      form.check?.()
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

function uploadTooLarge(limit: number): CfileError {
  return new CfileError(
    'payload_too_large',
    `The file is larger than the ${limit} bytes that are taken.`,
    { param: 'CFILE_MAX_FILE_BYTES' },
  )
}
