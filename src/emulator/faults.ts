/**
 * Faults on request: `POST /emulator/faults` sets which requests fail, and how. A fault can also break, end or stall a
 * body, whose bytes are counted.
 *
 * @module
 */

import {
  azureRefusal,
  containerExpired,
  invalidKey,
  invalidRequest,
  isJson,
  jsonText,
  Refusal,
  resourceNotFound,
} from './json.ts'

/** A fault for matching requests. */
export interface Fault {
  /** A part of the path, or with `*` the whole path. @default every request */
  readonly match?: { readonly method?: string; readonly path?: string }
  /** Number of requests that get the fault. @default 1 */
  readonly times?: number

  // Failures. A request gets at most one fault with any of these; a second one waits for the next request.
  /** Name of a wrong answer, see `faultKinds`. */
  readonly kind?: string
  readonly status?: number
  /** Body as text or as JSON. */
  readonly body?: unknown
  /** Sends no answer. */
  readonly hang?: boolean
  /** Breaks the body after this many bytes. */
  readonly cut_after?: number
  /** Ends the body normally after this many bytes. */
  readonly end_after?: number
  /** Stalls the body after this many bytes. */
  readonly stall_after?: number
  /** Changes the bytes of a file but not its length; with a number, from that offset on. */
  readonly change_content?: true | number

  // Variations. A request gets all that match.
  readonly delay_ms?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Honours `Range` and `If-Range`. */
  readonly range?: boolean
  /** Sends an `ETag` with files; `true`: derived from the id, and different after the content changed. */
  readonly etag?: boolean | string
  readonly no_length?: boolean
}

const failing = [
  'kind',
  'status',
  'body',
  'hang',
  'cut_after',
  'end_after',
  'stall_after',
  'change_content',
] as const
const differing = ['delay_ms', 'headers', 'range', 'etag', 'no_length'] as const
const known: readonly string[] = ['match', 'times', ...failing, ...differing]

/** The pending faults. */
export interface FaultList {
  /** Adds one fault or a list. Throws a Refusal for an invalid fault, so that tests notice misspellings. */
  add(body: unknown): void
  /** The faults that are still pending. */
  list(): readonly Fault[]
  clear(): void
  /** Takes the faults for a request. */
  take(method: string, path: string): Fault
}

/**
 * Creates an empty list.
 *
 * @returns a list whose faults end after their `times`
 */
export function createFaults(): FaultList {
  let faults: { fault: Fault; left: number }[] = []
  return {
    add(body) {
      const added = (Array.isArray(body) ? body : [body]).map(readFault)
      faults.push(...added.map((fault) => ({ fault, left: fault.times ?? 1 })))
    },
    list: () => faults.map(({ fault, left }) => ({ ...fault, times: left })),
    clear() {
      faults = []
    },
    take(method, path) {
      let taken: Fault = {}
      for (const entry of faults) {
        if (!matches(entry.fault, method, path)) continue
        if (fails(entry.fault) && fails(taken)) continue
        taken = { ...entry.fault, ...taken }
        entry.left -= 1
      }
      faults = faults.filter(({ left }) => left > 0)
      return taken
    },
  }
}

/**
 * Checks a fault.
 *
 * @throws Refusal 400 for an unknown field or kind
 */
function readFault(value: unknown): Fault {
  if (!isJson(value)) throw invalidRequest(400, 'A fault is a JSON object.')
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) throw invalidRequest(400, `A fault has no '${key}'.`, key)
  }
  const { kind } = value as Fault
  if (kind !== undefined && faultKinds[kind] === undefined) {
    const kinds = Object.keys(faultKinds).join(', ')
    throw invalidRequest(400, `There is no kind '${kind}'; there are: ${kinds}.`, 'kind')
  }
  return value
}

/** Whether a fault is a failure and not a variation. */
function fails(fault: Fault): boolean {
  return failing.some((key) => fault[key] !== undefined)
}

/** Whether a fault is for a request. A path with `*` must match as a whole, another one as a part. */
function matches({ match = {} }: Fault, method: string, path: string): boolean {
  if (match.method !== undefined && match.method.toUpperCase() !== method) return false
  if (match.path === undefined) return true
  if (!match.path.includes('*')) return path.includes(match.path)
  const literals = match.path.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  return new RegExp(`^${literals.join('.*')}$`).test(path)
}

/**
 * The answer of a fault that replaces the regular one; `undefined` if there is none.
 *
 * @param fault that was taken for the request
 * @param request method and path, which some wrong answers contain
 */
export function faultedResponse(fault: Fault, request: FaultedRequest): Response | undefined {
  const { kind, status, body } = fault
  if (body !== undefined) return bodyResponse(body, status)
  if (kind === undefined && status === undefined) return undefined
  const named = faultKinds[kind ?? 'server_error']?.(request)
  const answer = named instanceof Refusal ? named.toResponse() : named
  if (status === undefined) return answer
  const isEmpty = status === 204 || status === 304
  return new Response(isEmpty ? null : answer?.body, { status, headers: answer?.headers })
}

/** An answer with the body of a fault: a text as it is, anything else as JSON. */
function bodyResponse(body: unknown, status = 200): Response {
  const isText = typeof body === 'string'
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json'
  const headers = { 'content-type': type }
  return new Response(isText ? body : jsonText(body), { status, headers })
}

/** The facts about a request that a wrong answer contains. */
interface FaultedRequest {
  readonly method: string
  readonly path: string
  readonly isProject: boolean
}

type Kind = (request: FaultedRequest) => Refusal | Response

/** All names for a fault's `kind`. */
export const faultKinds: Readonly<Record<string, Kind>> = {
  wrong_key: invalidKey,
  key_disabled: () =>
    azureRefusal(
      403,
      'AuthenticationTypeDisabled',
      'Key based authentication is disabled for this resource.',
    ),
  wrong_audience: ({ isProject }) =>
    // Azure sends this answer without the envelope.
    new Refusal(401, {
      statusCode: 401,
      message: `Unauthorized. Access token is missing, invalid, audience is incorrect (https://${isProject ? 'ai' : 'cognitiveservices'}.azure.com), or have expired.`,
    }),
  rbac: ({ method, path }) =>
    azureRefusal(
      401,
      'PermissionDenied',
      `The principal \`00000000-0000-0000-0000-000000000000\` lacks the required data action \`Microsoft.CognitiveServices/accounts/OpenAI/responses/${method === 'GET' ? 'read' : 'write'}\` to perform \`${method} ${path}\` operation.`,
    ),
  firewall: () => azureRefusal(403, '403', 'Access denied due to Virtual Network/Firewall rules.'),
  check_access: () =>
    azureRefusal(
      400,
      'API operation not supported for token authentication',
      'ApiId openai-api-2025-03-01-preview OperationId get-container not supported for CheckAccess.',
    ),
  container_expired: containerExpired,
  timeout: () => azureRefusal(408, 'Timeout', 'The operation was timeout.'),
  throttled: () =>
    azureRefusal(429, '429', 'Requests have exceeded the rate limit. Please retry later.', {
      'retry-after': '1',
      'retry-after-ms': '1000',
    }),
  server_error: () =>
    new Refusal(500, {
      error: {
        message: 'The server had an error while processing your request.',
        type: 'server_error',
        param: null,
        code: 'server_error',
      },
    }),
  resource_not_found: resourceNotFound,
  html: () =>
    new Response('<!doctype html><title>Sign in</title><p>Sign in to your account.', {
      headers: { 'content-type': 'text/html; charset=utf-8' },
    }),
  redirect: () =>
    new Response(null, { status: 302, headers: { location: 'http://elsewhere.localhost/login' } }),
  empty_204: () => new Response(null, { status: 204 }),
}

/** The limits of a body, in bytes. */
interface Metering {
  /** Called with the size of each piece that the reader took. */
  readonly sent?: (bytes: number) => void
  /** The body fails after this many bytes. */
  readonly cutAfter?: number
  /** The body ends normally after this many bytes. */
  readonly endAfter?: number
  /** The body stalls after this many bytes. */
  readonly stallAfter?: number
  /** Breaks the body when it fires, as an aborted `fetch` does. */
  readonly signal?: AbortSignal
}

/**
 * Passes the bytes within the limits. Does not read ahead.
 *
 * @param body of the answer
 * @param metering limits in bytes, and the client's signal
 */
export function meter(
  body: ReadableStream<Uint8Array>,
  { sent, cutAfter = Infinity, endAfter = Infinity, stallAfter = Infinity, signal }: Metering,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const limit = Math.min(cutAfter, endAfter, stallAfter)
  let passed = 0
  return new ReadableStream(
    {
      async pull(controller) {
        signal?.throwIfAborted()
        if (passed === limit) return breakOff(controller)
        const { done, value } = await reader.read()
        if (done) return controller.close()
        const piece = value.subarray(0, limit - passed)
        passed += piece.byteLength
        sent?.(piece.byteLength)
        controller.enqueue(piece)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )

  async function breakOff(controller: ReadableStreamDefaultController): Promise<void> {
    const reason = new TypeError('The emulator cut the body off.')
    await reader.cancel(reason)
    if (limit === cutAfter) return controller.error(reason)
    if (limit === endAfter) return controller.close()
    await aborted(signal)
  }
}

/**
 * Never resolves; rejects when the signal fires.
 *
 * @param signal absent if the client cannot abort: then it waits for ever
 */
export function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason))
  })
}
