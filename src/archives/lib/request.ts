/**
 * Requests to a storage service, with signing, retries and a time limit, and the simple XML of its answers.
 *
 * @module
 */

import { CfileError, isCfileError } from '../../core/errors.ts'
import { readWhole } from '../../core/http/body.ts'
import { isTransient, startDeadline, type Wait } from '../../core/time.ts'
import type { BucketArchiveOptions, BucketObject, ReadOptions } from './bucket.ts'

/** Options of every archive that is reached over HTTP. */
export interface RemoteOptions extends Omit<BucketArchiveOptions, 'bucket'> {
  readonly fetch: typeof fetch
  readonly wait: Wait
  /** Size of a part in bytes; S3 takes at least 5 MiB. Smaller bodies are sent in one request. @default 8 MiB */
  readonly partBytes?: number
  /** Time limit until the headers of an answer, in milliseconds. @default 60000 */
  readonly timeoutMs?: number
}

/** A request to a storage service. */
export interface StorageRequest {
  /** The service's own name of the operation, for messages, such as `PutObject`. */
  readonly operation: string
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array<ArrayBuffer>
  readonly signal?: AbortSignal
  /** Error codes of the service that the caller handles itself. */
  readonly accept?: readonly string[]
}

/** Adds authentication to the headers of a request. */
export type Sign = (request: StorageRequest) => Promise<Headers | Readonly<Record<string, string>>>

/** Options of {@link createRequester}. */
interface RequesterOptions {
  /** Name of the service in messages, such as `S3`. */
  readonly service: string
  /** The service's word for a bucket, and what to check if access is refused. */
  readonly bucket: string
  readonly access: string
  readonly fetch: typeof fetch
  readonly wait: Wait
  /** Time limit until the headers of an answer, including the upload of a part, in milliseconds. */
  readonly timeoutMs: number
  readonly sign: Sign
  /** Reads the code of an error answer. */
  readonly codeOf: (response: Response, text: string) => string | undefined
}

/**
 * Sends a request. Resolves with a successful answer, or with `undefined` for an error that the caller accepts.
 *
 * @throws CfileError `not_ready`, or the signal's reason
 */
export type SendRequest = (request: StorageRequest) => Promise<Response | undefined>

const pauses: readonly number[] = [250, 1000]

/**
 * Creates the function that sends requests to one service. All requests are safe to repeat.
 *
 * @param options name, network and authentication of the service
 */
export function createRequester(options: RequesterOptions): SendRequest {
  return async (request) => {
    for (let failures = 0; ; failures += 1) {
      const pause = pauses[failures]
      try {
        const response = await sendOnce(options, request)
        if (response.ok) return response
        const mayPass = pause !== undefined && isTransient(response.status)
        if (!mayPass) return await refusal(options, request, response)
        await response.body?.cancel()
      } catch (error) {
        request.signal?.throwIfAborted()
        if (isCfileError(error)) throw error
        if (pause === undefined) throw unreachable(options, request, error)
      }
      await options.wait(pause, request.signal)
    }
  }
}

/** Sends a request once. The time limit counts until the headers; the body has the limits of the download. */
async function sendOnce(options: RequesterOptions, request: StorageRequest): Promise<Response> {
  // The function must be called without a receiver: workerd refuses `fetch` on any other `this`.
  const { fetch, wait, timeoutMs, sign } = options
  const { method, url, body, signal } = request
  const deadline = startDeadline(wait, timeoutMs, signal)
  try {
    const headers = await sign(request)
    return await fetch(url, { method, headers, body, signal: deadline.signal, redirect: 'manual' })
  } finally {
    deadline.clear()
  }
}

/**
 * Reads an error answer: `undefined` if the caller accepts its code, else it throws.
 *
 * @throws CfileError `not_ready` with the status and the code, never with the service's text
 */
async function refusal(
  options: RequesterOptions,
  { operation, accept = [] }: StorageRequest,
  response: Response,
): Promise<undefined> {
  const whole = await readWhole(response.body, 64 * 1024)
  const { service, codeOf } = options
  const code = codeOf(response, new TextDecoder().decode(whole))
  if (code !== undefined && accept.includes(code)) return undefined
  const shownCode = /^\w{1,64}$/.test(code ?? '') ? ` ${code}` : ''
  throw refused(
    service,
    operation,
    `${response.status}${shownCode}`,
    hintFor(response.status, options),
  )
}

/**
 * The error for an operation that the service refused.
 *
 * @param service name in messages, such as `S3`
 * @param operation the service's own name of it, such as `PutObject`
 * @param answer status and code of the answer
 * @param hint what the operator can do
 */
export function refused(
  service: string,
  operation: string,
  answer: string,
  hint: string = laterHint,
): CfileError {
  const message = `The archive could not be used: ${service} answered ${operation} with ${answer}.`
  return new CfileError('not_ready', message, { hint })
}

const laterHint = 'Try again; if it persists, check the service in CFILE_ARCHIVE.'

/** What the operator can do about a status. */
function hintFor(status: number, { bucket, access }: RequesterOptions): string {
  if (status === 401 || status === 403)
    return `Check ${access}, its permission to read, write, list and delete in the ${bucket} of CFILE_ARCHIVE, the firewall of the account, and the clock of this machine.`
  if (status === 404) return `Create the ${bucket}, or correct its name in CFILE_ARCHIVE.`
  if (status >= 300 && status < 400) return 'Check the endpoint and the region in CFILE_ARCHIVE.'
  return laterHint
}

/**
 * The error for a request without an answer.
 *
 * @param cause of the last attempt
 */
function unreachable(
  { service }: RequesterOptions,
  { operation }: StorageRequest,
  cause: unknown,
): CfileError {
  return new CfileError(
    'not_ready',
    `The archive could not be used: ${service} did not answer ${operation}.`,
    {
      hint: 'Check CFILE_ARCHIVE, and that this machine may connect to it: name resolution, firewall, private endpoint.',
      cause,
    },
  )
}

/**
 * Opens an object, by the headers that all services send.
 *
 * @param request its `accept` lists the service's code for an object that is not there
 * @returns `undefined` if there is no such object
 * @throws CfileError `not_ready`, or the signal's reason
 */
export async function readObject(
  send: SendRequest,
  request: Pick<StorageRequest, 'operation' | 'url' | 'accept'>,
  { range, signal }: ReadOptions,
): Promise<BucketObject | undefined> {
  const headers = range && { range: `bytes=${range.start}-${range.end}` }
  const response = await send({ ...request, method: 'GET', headers, signal })
  return response && toObject(response)
}

/** The object in a successful answer. Without `content-length` its size is checked only at its end. */
function toObject({ body, headers }: Response): BucketObject {
  const length = headers.get('content-length')
  return {
    body: body ?? new Blob().stream(),
    modifiedAt: Math.floor(Date.parse(headers.get('last-modified') ?? '') / 1000),
    ...(length === null ? {} : { bytes: Number(length) }),
  }
}

/**
 * The raw content of each element with a name, in order.
 *
 * @param xml an answer of a storage service: other XML may be read wrongly
 * @param name of the elements, case-sensitive
 */
export function elementsOf(xml: string, name: string): string[] {
  const shape = new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g')
  return [...xml.matchAll(shape)].map(([, inner = '']) => inner)
}

/**
 * The text of the first element with a name; `undefined` if there is none.
 *
 * @param xml as for {@link elementsOf}
 * @param name of the element
 */
export function textOf(xml: string, name: string): string | undefined {
  const inner = elementsOf(xml, name)[0]
  return inner?.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, unescapeOne)
}

const named = new Map(Object.entries({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }))

/** Replaces one entity of XML. An unknown one stays. */
function unescapeOne(whole: string, decimal?: string, hex?: string, name?: string): string {
  if (name !== undefined) return named.get(name) ?? whole
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
  return code <= 0x10ffff ? String.fromCodePoint(code) : whole
}

/**
 * Escapes a text for the content of an element.
 *
 * @param text of any characters that XML allows
 */
export function escapeXml(text: string): string {
  return text.replace(/[<>&'"]/g, (char) => `&#${char.charCodeAt(0)};`)
}
