/**
 * Prepares the body of a request for the upstream. Bodies are read when the ids in them matter, and streamed otherwise.
 *
 * A multipart form (RFC 7578) is streamed, and the ids in its fields are checked while it passes. A field with a foreign id
 * breaks the stream before the form ends, so that the upstream discards the upload.
 *
 * @module
 */

import { type BodyNames, noBodyNames, readBodyNames } from '../../core/api/names/body-names.ts'
import { countNames, mostNames, tooManyNames } from '../../core/api/names/named-ids.ts'
import { type NamingKey, notAnId, readingOf } from '../../core/api/names/naming-keys.ts'
import type { BodyForm, Operation } from '../../core/api/operations.ts'
import { atMost } from '../../core/bytes/limit.ts'
import { bodyTooLarge, CfileError, isCfileError } from '../../core/errors.ts'
import { concatBytes, readBounded } from '../../core/http/body.ts'
import { type FormHandler, parseFormBoundary, watchForm } from '../../core/http/form-fields.ts'
import { unlinkBytes } from '../../core/rewrite/unlink.ts'
import { inTurns } from '../../core/time.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { requireOwnBody } from './own-names.ts'

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
interface WithBody {
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
  readonly signal: AbortSignal
}

/**
 * Reads the body of a request if necessary: to find the ids in it, to be able to send it again, or to remove the links
 * that the gateway added to replayed answers. With caller auth, bodies that parsers could read differently are refused,
 * since the upstream may find other ids in them.
 *
 * @param operation the operation, which decides whether ids in the body count
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
  const { knowsCallers } = gateway.owners
  if (knowsCallers) refuseCoding(headers)
  if (/^multipart\//i.test(type) && (operation.body !== 'json' || !knowsCallers)) {
    return { ...(await readSentForm(gateway, caller, { ...request, body })), named: noBodyNames }
  }
  const decides = knowsCallers || gateway.upstreams.length > 1
  const mustRead = decides || operation.takesHistory || operation.isQuick
  if (!mustRead || (isNameless(operation.body, type) && !isJson(type)))
    return { bytes: body, named: noBodyNames }
  const { whole } = await readBounded(body, gateway.bounds.maxBodyBytes)
  if (whole === undefined) throw bodyTooLarge(gateway.bounds.maxBodyBytes)
  if (whole.length === 0) return { bytes: whole, named: noBodyNames }
  if (knowsCallers && !isJson(type)) throw wrongType(type)
  return readWhole(gateway, caller, whole, request.signal, operation)
}

/**
 * Checks the ids in a JSON body and removes the links of replayed answers.
 *
 * @param whole the body
 * @throws CfileError `not_found`, `file_not_found`, `container_not_found`; `invalid_request` with caller auth
 */
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
    // Without caller auth the upstream refuses invalid bodies itself.
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

/**
 * The error for a body whose ids cannot be checked, since it is neither JSON nor a form.
 *
 * @param type the content type; empty without one
 */
function wrongType(type: string): CfileError {
  const what = type === '' ? 'no content type' : 'a content type that is not taken here'
  return new CfileError('invalid_request', `The body has ${what}.`, {
    param: 'content-type',
    hint: 'Send JSON in UTF-8 with Content-Type: application/json, and files as multipart/form-data.',
  })
}

/** A request with a form. */
interface WithForm extends WithBody {
  readonly body: ReadableStream<Uint8Array>
}

/** A form that goes upstream: whole when it is small, otherwise a stream. Its ids are not listed. */
type SentForm = Omit<SentBody, 'named'>

// Bytes that are read and checked before the upstream gets any. Smaller forms are sent whole.
const readAhead = 128 * 1024

/**
 * Reads the beginning of a form and checks the rest while it is streamed.
 *
 * @param request a request whose content type is multipart
 * @throws CfileError `payload_too_large`; `invalid_request`; `not_found`, `file_not_found`, `container_not_found`.
 * Errors in the streamed rest are thrown by `check`.
 */
async function readSentForm(
  gateway: Gateway,
  caller: Caller,
  request: WithForm,
): Promise<SentForm> {
  const form = limitForm(gateway, request)
  if (!gateway.owners.knowsCallers) return keepFailure(form)
  const boundary = parseFormBoundary(request.headers.get('content-type') ?? '')
  const watch = watchForm(boundary, watchNames(gateway, caller, request))
  const { bytes, check } = keepFailure(form.pipeThrough(watch))
  const read = await readBounded(bytes, readAhead)
  return { bytes: read.whole ?? read.stream, check }
}

// Bytes allowed beside the file: boundaries, part headers, the purpose.
const besideFile = 1024

/** Limits the size of a form: by its `Content-Length`, otherwise by breaking the stream at the limit. */
function limitForm(
  { bounds: { maxFileBytes } }: Gateway,
  { headers, body }: WithForm,
): ReadableStream<Uint8Array> {
  const most = maxFileBytes + besideFile
  const announced = headers.get('content-length')
  if (Number(announced) > most) throw uploadTooLarge(maxFileBytes)
  if (announced !== null) return body
  return body.pipeThrough(atMost(most, () => uploadTooLarge(maxFileBytes)))
}

/** Keeps the error that broke a stream, because `fetch`, which reads the stream, may throw another error. */
function keepFailure(stream: ReadableStream<Uint8Array>): {
  readonly bytes: ReadableStream<Uint8Array>
  readonly check: () => void
} {
  const reader = stream.getReader()
  let failure: unknown
  const bytes = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) controller.close()
        else controller.enqueue(value)
      } catch (error) {
        failure = error
        throw error
      }
    },
    cancel: (reason) => reader.cancel(reason),
  })
  const check = (): void => {
    if (isCfileError(failure)) throw failure
  }
  return { bytes, check }
}

const longestId = 1024
const longestJson = 1024 ** 2

/** Creates the callbacks that check the fields with ids as they arrive. */
function watchNames(gateway: Gateway, caller: Caller, { signal }: WithForm): FormHandler {
  let names = 0
  const check = async (named: BodyNames): Promise<void> => {
    names += countNames(named)
    if (names > mostNames) throw tooManyNames()
    await requireOwnBody(gateway, caller, named)
  }
  return {
    maxBytes(part) {
      const reading = readingOf(part)
      if (reading === 'nothing') return 0
      return reading === 'json' ? longestJson : longestId
    },
    async receive(part, value) {
      const reading = readingOf(part)
      if (reading === 'nothing') return
      await check(
        reading === 'json'
          ? await inTurns(gateway.runtime.wait, readBodyNames(asMember(part.name, value)), signal)
          : namesOf(part.name, reading.naming, value),
      )
    },
  }
}

/** Wraps the JSON of a field as a member of an object, as it would stand in a JSON body. */
function asMember(name: string, value: Uint8Array): Uint8Array {
  const encoder = new TextEncoder()
  return concatBytes([encoder.encode(`{"${name}":`), value, encoder.encode('}')])
}

/** Ids of one plain form field. */
function namesOf(field: string, naming: NamingKey, value: Uint8Array): BodyNames {
  const id = new TextDecoder('latin1').decode(value)
  if (!naming.isId(id)) throw notAnId(field, naming)
  return { ...noBodyNames, names: { ...noBodyNames.names, [naming.kind]: [id] } }
}

/**
 * The error for a form above `CFILE_MAX_FILE_BYTES`.
 *
 * @param limit bytes that are taken
 */
function uploadTooLarge(limit: number): CfileError {
  return new CfileError(
    'payload_too_large',
    `The file is larger than the ${limit} bytes that are taken.`,
    { param: 'CFILE_MAX_FILE_BYTES' },
  )
}
