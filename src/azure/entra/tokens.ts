/**
 * Requests tokens and caches them, one for each scope. Simultaneous callers share one request. A token is replaced before
 * it expires. Tokens of `@azure/identity` and of other functions are cached in the same way.
 *
 * @module
 */

import { CfileError, type ErrorCode } from '../../core/errors.ts'
import { parseJson, readWhole } from '../../core/http/body.ts'
import { isObject } from '../../core/json/value.ts'
import { startDeadline, untilAborted } from '../../core/time.ts'
import type { AuthorizeOptions, Credential, CredentialRuntime } from '../credentials.ts'
import { upstreamAnswer } from '../errors.ts'

/** A token. Times are unix seconds. */
interface Token {
  readonly value: string
  readonly expiresAt: number
  /** Time from which the token should be replaced in the background. */
  readonly refreshAt: number
}

/** Network, clock and time limit of one token request. */
export interface TokenCall extends CredentialRuntime {
  readonly signal: AbortSignal
}

/** Obtains a token for a scope. */
type Obtain = (scope: string, call: TokenCall) => Promise<Token>

/**
 * Creates a token. It is replaced five minutes before it expires, or after half of a lifetime of more than two hours.
 *
 * @param value of the token, without `Bearer`
 * @param seconds lifetime
 * @param now unix seconds
 * @param refreshIn seconds after which the issuer asks to replace it (`refresh_in`)
 */
export function tokenFor(value: string, seconds: number, now: number, refreshIn?: number): Token {
  const half = seconds / 2
  const age = refreshIn ?? (seconds > 7200 ? half : Math.max(half, seconds - 300))
  return { value, expiresAt: now + seconds, refreshAt: now + age }
}

/** The token of one scope. */
interface CacheEntry {
  token?: Token
  /** The token request under way. */
  pending?: Promise<Token>
  /** Unix second before which a failed refresh is not repeated. */
  nextRefreshAt: number
  /** Unix second before which a refused token is not replaced again, since the token is not the reason. */
  nextReplacementAt: number
}

// Seconds.
const nearEnd = 30
const pause = 30
const requestTimeoutMs = 30_000

/**
 * Creates a credential that caches the tokens of a function.
 *
 * @param kind name of the credential in logs and in `cfile doctor`
 * @param obtain requests a token; called once at a time for each scope
 */
export function bearer(kind: string, obtain: Obtain): Credential {
  const entries = new Map<string, CacheEntry>()
  return {
    kind,
    async authorize(scope, options) {
      const entry = entries.get(scope) ?? { nextRefreshAt: 0, nextReplacementAt: 0 }
      entries.set(scope, entry)
      const refresh = () => {
        entry.pending ??= requestFor(entry, (call) => obtain(scope, call), options)
        return entry.pending
      }
      const { value } = await currentToken(entry, refresh, options)
      return { name: 'authorization', value: `Bearer ${value}` }
    },
  }
}

/** The token to use now. A refused or expired one is replaced first; one that ends soon is replaced in the background. */
async function currentToken(
  entry: CacheEntry,
  refresh: () => Promise<Token>,
  { now, signal, refused }: AuthorizeOptions,
): Promise<Token> {
  const { token } = entry
  if (token === undefined) return untilAborted(refresh(), signal)
  const time = now()
  const isValid = time < token.expiresAt - nearEnd
  const isRefused = refused === `Bearer ${token.value}`
  // While a replacement is under way, wait for it instead.
  const isWaiting = time < entry.nextReplacementAt && entry.pending === undefined
  if (isRefused && isValid && isWaiting) return token
  if (isRefused) {
    entry.nextReplacementAt = time + pause
  } else if (isValid) {
    // In the background: the old token still works, so no request fails if the refresh does.
    if (time >= token.refreshAt && time >= entry.nextRefreshAt) refresh().catch(() => {})
    return token
  }
  return untilAborted(refresh(), signal).catch((error) => {
    if (!signal?.aborted && now() < token.expiresAt) return token
    throw error
  })
}

/**
 * Requests a token for all waiting callers. The request has its own time limit, so that it continues when one of them
 * cancels.
 *
 * @throws CfileError `upstream_timeout`, and the errors of `obtain`
 */
async function requestFor(
  entry: CacheEntry,
  obtain: (call: TokenCall) => Promise<Token>,
  { fetch, now, wait, random, waitUntil, readFile }: CredentialRuntime,
): Promise<Token> {
  const limit = startDeadline(wait, requestTimeoutMs)
  const request = obtain({ fetch, now, wait, random, waitUntil, readFile, signal: limit.signal })
  waitUntil(request.catch(() => {}))
  try {
    entry.token = await request
    return entry.token
  } catch (cause) {
    entry.nextRefreshAt = now() + pause
    if (!limit.isOver()) throw cause
    throw new CfileError('upstream_timeout', 'No token came in time.', { cause })
  } finally {
    limit.clear()
    entry.pending = undefined
  }
}

/** A token as `@azure/identity` returns it. */
interface AccessToken {
  readonly token: string
  /** Unix milliseconds. */
  readonly expiresOnTimestamp: number
}

/** The interface of `DefaultAzureCredential` and all other credentials of `@azure/identity`. */
interface TokenCredential {
  getToken(
    scopes: string,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<AccessToken | null>
}

/** Returns a token. The end of a plain string is unknown, so the string is not cached: the function is called each time. */
type TokenProvider = (scope: string) => Promise<string | AccessToken>

/**
 * Creates a credential from one of `@azure/identity`, or from a function that returns tokens.
 *
 * @param source an object with `getToken`, or a function that is called with the scope
 * @throws (when it signs) CfileError `upstream_auth` if the source has no token
 */
export function tokenCredential(source: TokenCredential | TokenProvider): Credential {
  return bearer('token credential', async (scope, { now, signal }) => {
    const token =
      typeof source === 'function'
        ? await source(scope)
        : await source.getToken(scope, { abortSignal: signal })
    if (token === null) throw noToken()
    return typeof token === 'string' ? tokenFor(token, 0, now()) : tokenOf(token, now())
  })
}

function tokenOf({ token, expiresOnTimestamp }: AccessToken, now: number): Token {
  return tokenFor(token, Math.floor(expiresOnTimestamp / 1000) - now, now)
}

function noToken(): CfileError {
  return new CfileError('upstream_auth', 'The credential gave no token.', {
    hint: 'Check what createApp got as the credential: it returned null.',
  })
}

/** A request for a token. */
interface TokenRequest {
  readonly url: string | URL
  readonly headers?: Readonly<Record<string, string>>
  /** Form fields. With a form the method is POST, otherwise GET. */
  readonly form?: URLSearchParams
  /** Name of the endpoint in error messages. */
  readonly endpointName: string
  /** Hint of the error when the error code of Entra ID is not known. */
  readonly hint: string
}

/**
 * Requests a token. The endpoints of Entra ID, of App Service and of IMDS take different requests but give the same
 * answers. Errors contain only the error code of the answer, never its text.
 *
 * @param request URL, form or headers, and the names for messages
 * @param call network, clock and signal
 * @throws CfileError `upstream_auth` when the token is refused, with a hint for known error codes;
 * `upstream_throttled`, `upstream_invalid`; `upstream_error` when the endpoint fails or cannot be reached
 */
export async function requestToken(
  { url, headers, form, endpointName, hint }: TokenRequest,
  { fetch, now, signal }: TokenCall,
): Promise<Token> {
  const answer = await fetch(url, {
    method: form === undefined ? 'GET' : 'POST',
    headers: { accept: 'application/json', ...headers },
    body: form,
    // The form contains secrets, so it is not sent to another host.
    redirect: 'manual',
    signal,
  }).catch((cause) => {
    throw new CfileError('upstream_error', `${endpointName} could not be reached.`, { hint, cause })
  })
  const fields = await readFields(answer)
  const { access_token: value } = fields
  if (answer.ok && typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)) {
    const seconds = Number(fields.expires_in ?? Number(fields.expires_on) - now())
    if (Number.isFinite(seconds)) {
      return tokenFor(value, seconds, now(), Number(fields.refresh_in) || undefined)
    }
  }
  throw refusal(answer, fields, endpointName, hint)
}

/** The fields of an answer of at most 64 KiB; none if it is no JSON object. */
async function readFields({ body }: Response): Promise<Readonly<Record<string, unknown>>> {
  const whole = await readWhole(body, 64 * 1024)
  const value = whole && parseJson(whole)
  return isObject(value) ? value : {}
}

// Error codes of Entra ID: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
const hints: readonly (readonly [codes: RegExp, hint: string])[] = [
  [/^AADSTS7000215$/, 'AZURE_CLIENT_SECRET takes the value of a secret of the app, not its id.'],
  [/^AADSTS7000222$/, 'The client secret has expired; make a new one and set AZURE_CLIENT_SECRET.'],
  [/^AADSTS700016$/, 'The app AZURE_CLIENT_ID is not in the tenant AZURE_TENANT_ID.'],
  [/^AADSTS9000[23]\d*$/, 'There is no such tenant; check AZURE_TENANT_ID.'],
  [
    /^AADSTS7002\d+$/,
    'The app has no federated credential for the issuer, subject and audience of the token in AZURE_FEDERATED_TOKEN_FILE.',
  ],
  [/^AADSTS700027$/, 'The certificate is not one of the app, or its key does not belong to it.'],
  [
    /^AADSTS(?:500011|1002012|70011|65001)$/,
    'The scope is not one of this tenant; check AZURE_OPENAI_SCOPE.',
  ],
]

/**
 * The error for a refused token request.
 *
 * @param hint used if the code of Entra ID is not known
 */
function refusal(
  answer: Response,
  { error, error_description: description }: Record<string, unknown>,
  endpointName: string,
  hint: string,
): CfileError {
  const code =
    /AADSTS\d{1,9}/.exec(String(description))?.[0] ??
    (typeof error === 'string' && /^[\w.-]{1,64}$/.test(error) ? error : null)
  const known = hints.find(([codes]) => codes.test(code ?? ''))
  return new CfileError(
    codeOf(answer.status),
    `${endpointName} gave no token: status ${answer.status}${code === null ? '' : `, ${code}`}.`,
    { hint: known?.[1] ?? hint, upstream: upstreamAnswer(answer, code) },
  )
}

/** The code of the error for a status. */
function codeOf(status: number): ErrorCode {
  if (status === 429) return 'upstream_throttled'
  if (status >= 500) return 'upstream_error'
  return status < 400 ? 'upstream_invalid' : 'upstream_auth'
}
