/**
 * The one error class of cfile: a closed list of codes, and the JSON that clients get.
 *
 * @module
 */

/** The HTTP status of each code. */
export const errorStatuses = {
  invalid_id: 400,
  invalid_request: 400,
  unauthorized: 401,
  signature_invalid: 403,
  link_expired: 403,
  container_unknown: 404,
  file_not_found: 404,
  container_not_found: 404,
  not_found: 404,
  method_not_allowed: 405,
  container_expired: 410,
  precondition_failed: 412,
  payload_too_large: 413,
  range_not_satisfiable: 416,
  rate_limited: 429,
  upstream_throttled: 429,
  internal_error: 500,
  upstream_auth: 502,
  upstream_invalid: 502,
  upstream_error: 502,
  file_too_large: 502,
  not_ready: 503,
  upstream_timeout: 504,
} as const

/** A stable name for a cause. Clients switch on it. */
export type ErrorCode = keyof typeof errorStatuses

/** The upstream's answer, if there was one. */
export interface UpstreamAnswer {
  readonly status: number
  readonly code: string | null
  readonly request_id: string | null
}

/** Optional parts of a {@link CfileError}. */
interface ErrorDetails {
  /** A hint: the action that solves the problem, in one sentence. */
  readonly hint?: string
  /** The parameter or setting that is wrong. */
  readonly param?: string
  readonly upstream?: UpstreamAnswer
  /** Headers for the response, such as `Allow` or `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/** An error with a code of the API. Its message is for people and contains no secret. */
export class CfileError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause })
    this.name = 'CfileError'
    this.code = code
    this.status = errorStatuses[code]
    this.details = details
  }
}

/**
 * Whether a thrown value is a {@link CfileError}.
 *
 * @param value anything that was thrown
 */
export function isCfileError(value: unknown): value is CfileError {
  return value instanceof CfileError
}

/**
 * Whether a value is a code of {@link errorStatuses}.
 *
 * @param value a member of parsed JSON
 */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorStatuses, value)
}

/**
 * The error for a file above `CFILE_MAX_FILE_BYTES`.
 *
 * @param bytes size of the file, or the bytes received so far
 * @param limit in bytes, as `CFILE_MAX_FILE_BYTES` sets it
 */
export function fileTooLarge(bytes: number, limit: number): CfileError {
  return new CfileError(
    'file_too_large',
    `The file has ${bytes} bytes or more; this gateway serves at most ${limit}.`,
    {
      param: 'CFILE_MAX_FILE_BYTES',
      hint: 'The operator of the gateway can raise CFILE_MAX_FILE_BYTES.',
    },
  )
}

/**
 * The error for a body above `CFILE_MAX_BODY_BYTES`.
 *
 * @param limit bytes that are read
 */
export function bodyTooLarge(limit: number): CfileError {
  return new CfileError(
    'payload_too_large',
    `The body is larger than the ${limit} bytes that are read.`,
    { param: 'CFILE_MAX_BODY_BYTES' },
  )
}

/** Returns the error that the client may see. Any error that is no CfileError is a fault of cfile. */
export function toCfileError(cause: unknown): CfileError {
  if (isCfileError(cause)) return cause
  return new CfileError('internal_error', 'The gateway failed; its log has the cause.', {
    cause,
  })
}

/** The JSON body of an error response, in OpenAI's envelope, so that SDKs raise their typed errors. */
interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: ErrorCode
    readonly hint?: string
    readonly request_id: string
    readonly upstream?: UpstreamAnswer
  }
}

/**
 * Converts an error to the body that clients get. Leaves out cause and stack.
 *
 * @param requestId id in `x-cfile-request-id`, by which the log line is found
 * @see https://platform.openai.com/docs/guides/error-codes
 */
export function toErrorBody(error: CfileError, requestId: string): ErrorBody {
  const { hint, param, upstream } = error.details
  return {
    error: {
      message: error.message,
      type: errorType(error.status),
      param: param ?? null,
      code: error.code,
      ...(hint === undefined ? {} : { hint }),
      request_id: requestId,
      ...(upstream === undefined ? {} : { upstream }),
    },
  }
}

function errorType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

/** The error for a handshake that was answered with another status than 101. */
export class HandshakeRefused extends Error {
  override readonly name = 'HandshakeRefused'
  readonly status: number
  constructor(status: number) {
    super(`The WebSocket handshake was answered with status ${status}.`)
    this.status = status
  }
}

/**
 * The reason of a failure in one word or sentence: code or message of the innermost cause.
 *
 * @param error anything that was thrown
 * @returns text for operators: it may name hosts and ports, so it is not sent to callers
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause !== undefined) return reasonOf(error.cause)
  // The `code` of a DOMException is a legacy number.
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
