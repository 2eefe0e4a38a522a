/**
 * Prepares the body of a request for the upstream. Bodies are read when the ids in them matter, and streamed otherwise.
 *
 * @module
 */

import { type BodyNames, noBodyNames, readBodyNames } from '../../../core/api/names/body-names.ts'
import type { BodyForm, Operation } from '../../../core/api/operations.ts'
import { CfileError, isCfileError } from '../../../core/errors.ts'
import { readBounded } from '../../../core/http/body.ts'
import { unlinkBytes } from '../../../core/rewrite/unlink.ts'
import { inTurns } from '../../../core/time.ts'
import type { Caller, Gateway } from '../../gateway.ts'
import { requireOwnBody } from '../names.ts'
import { readSentForm } from './sent-form.ts'

/** A body that goes upstream. */
export interface SentBody {
  /** `null`: no body. A stream can be sent only once. */
  readonly bytes: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null
  /** Ids in it, when it was read and is JSON. */
  readonly named: BodyNames
  /** Throws the refusal that broke the stream, if the gateway refused it midway. */
  readonly check?: () => void
}

/** The parts of a request that describe its body. */
export interface WithBody {
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
  readonly signal: AbortSignal
}

/**
 * Reads the body of a request if necessary: to find the ids in it, to be able to send it again, or to remove the links
 * that the gateway added to replayed answers. With caller auth, bodies that parsers could read differently are refused,
 * since the upstream may find other ids in them.
 *
 * @throws CfileError `payload_too_large`; `invalid_request`; `not_found`, `file_not_found`, `container_not_found` for
 * things that are not the caller's
 */
export async function readSentBody(
  gateway: Gateway,
  caller: Caller,
  request: WithBody,
  operation: Operation,
): Promise<SentBody> {
  const { headers, body } = request
  if (body === null) return { bytes: null, named: noBodyNames }
  const type = headers.get('content-type') ?? ''
  const isKnown = gateway.owners.knowsCallers
  if (isKnown) refuseCoding(headers)
  if (/^multipart\//i.test(type) && (operation.body !== 'json' || !isKnown)) {
    return { ...(await readSentForm(gateway, caller, { ...request, body })), named: noBodyNames }
  }
  const decides = isKnown || gateway.upstreams.length > 1
  const mustRead = decides || operation.takesHistory || operation.isQuick
  if (!mustRead || (isNameless(operation.body, type) && !isJson(type)))
    return { bytes: body, named: noBodyNames }
  const { whole } = await readBounded(body, gateway.bounds.maxBodyBytes)
  if (whole === undefined) throw tooLarge(gateway.bounds.maxBodyBytes)
  if (whole.length === 0) return { bytes: whole, named: noBodyNames }
  if (isKnown && !isJson(type)) throw wrongType(type)
  return readWhole(gateway, caller, whole, request.signal, operation)
}

/** Checks the ids in a JSON body and removes the links of replayed answers. */
async function readWhole(
  gateway: Gateway,
  caller: Caller,
  whole: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
  { takesHistory }: Operation,
): Promise<SentBody> {
  const { wait } = gateway.runtime
  const { knowsCallers } = gateway.owners
  const { publicUrl } = gateway.links
  try {
    const named = await inTurns(wait, readBodyNames(whole, knowsCallers), signal)
    await requireOwnBody(gateway, caller, named)
    const bytes = takesHistory ? await inTurns(wait, unlinkBytes(whole, publicUrl), signal) : whole
    return { bytes, named }
  } catch (error) {
    // Without caller auth the upstream refuses wrong bodies itself.
    if (!knowsCallers && isCfileError(error)) return { bytes: whole, named: noBodyNames }
    throw error
  }
}

/** Whether a body of this form and content type cannot contain ids. */
function isNameless(form: BodyForm, type: string): boolean {
  return form === 'free' || (form === 'sdp' && /^application\/sdp *$/i.test(type))
}

/** Whether a content type is JSON in UTF-8. */
function isJson(type: string): boolean {
  return /^application\/json *(?:; *charset="?utf-8"? *)?$/i.test(type)
}

/** Refuses encoded bodies, whose ids cannot be checked. */
function refuseCoding(headers: Headers): void {
  const coding = headers.get('content-encoding') ?? 'identity'
  if (coding.toLowerCase() === 'identity') return
  throw new CfileError('invalid_request', 'The body has a content encoding.', {
    param: 'content-encoding',
    hint: 'Send it as it is, without Content-Encoding.',
  })
}

function wrongType(type: string): CfileError {
  const what = type === '' ? 'no content type' : 'a content type that is not taken here'
  return new CfileError('invalid_request', `The body has ${what}.`, {
    param: 'content-type',
    hint: 'Send JSON in UTF-8 with Content-Type: application/json, and files as multipart/form-data.',
  })
}

function tooLarge(limit: number): CfileError {
  return new CfileError(
    'payload_too_large',
    `The body is larger than the ${limit} bytes that are read.`,
    { param: 'CFILE_MAX_BODY_BYTES' },
  )
}
