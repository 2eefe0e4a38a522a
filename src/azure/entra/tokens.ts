/**
 * Requests tokens and caches them, one for each scope. Simultaneous callers share one request. A token is replaced before
 * it expires. Tokens of `@azure/identity` and of other functions are cached in the same way.
 *
 * @module
 */

import { CfileError, type ErrorCode } from '../../core/errors.ts'
import { parseJson, readBounded } from '../../core/http/body.ts'
import { isObject } from '../../core/json/value.ts'
import { startDeadline, untilAborted } from '../../core/time.ts'
import type { AuthorizeOptions, Credential, Means } from '../credentials.ts'
import { upstreamAnswer } from '../errors.ts'

/** A token. Times are unix seconds. */
interface Token {
  readonly value: string
  readonly expiresAt: number
  /** Time from which the token should be replaced in the background. */
  readonly refreshAt: number
}

/** Network, clock and time limit of one token request. */
export interface TokenCall extends Means {
  readonly signal: AbortSignal
}

/** Obtains a token for a scope. */
type Obtain = (scope: string, call: TokenCall) => Promise<Token>

/**
 * Creates a token. It is replaced five minutes before its end, or halfway if it lives for more than two hours.
 *
 * @param value of the token, without `Bearer`
 * @param seconds lifetime
 * @param now unix seconds
 * @param refreshIn seconds after which the issuer wants it to be replaced (`refresh_in`)
 */
export function tokenFor(value: string, seconds: number, now: number, refreshIn?: number): Token {
  const half = seconds / 2
  const age = refreshIn ?? (seconds > 7200 ? half : Math.max(half, seconds - 300))
  return { value, expiresAt: now + seconds, refreshAt: now + age }
}

interface Slot {
  token?: Token
  flight?: Promise<Token>
  /** Unix second until which a failed refresh is not repeated. */
  resting: number
  /** Unix second until which a refused token is not replaced again, since the token is not the reason. */
  forced: number
}

// Seconds.
const nearEnd = 30
const rest = 30
const longestFlightMs = 30_000

/**
 * Creates a credential that caches the tokens of a function.
 *
 * @param kind name of the credential in logs and in `cfile doctor`
 * @param obtain requests a token; called once at a time for each scope
 */
export function bearer(kind: string, obtain: Obtain): Credential {
  const slots = new Map<string, Slot>()
  return {
    kind,
    async authorize(scope, options) {
      const slot = slots.get(scope) ?? { resting: 0, forced: 0 }
      slots.set(scope, slot)
      const refresh = () => {
        slot.flight ??= fly(slot, (call) => obtain(scope, call), options)
        return slot.flight
      }
      const { value } = await current(slot, refresh, options)
      return { name: 'authorization', value: `Bearer ${value}` }
    },
  }
}

/** The token to use now. A refused or expired one is replaced first; one that ends soon is replaced in the background. */
async function current(
  slot: Slot,
  refresh: () => Promise<Token>,
  { now, signal, refused }: AuthorizeOptions,
): Promise<Token> {
  const { token } = slot
  if (token === undefined) return untilAborted(refresh(), signal)
  const time = now()
  const lives = time < token.expiresAt - nearEnd
  const isRefused = refused === `Bearer ${token.value}`
  // While a replacement is under way, wait for it instead.
  if (isRefused && lives && time < slot.forced && slot.flight === undefined) return token
  if (isRefused) {
    slot.forced = time + rest
  } else if (lives) {
    // In the background: the old token still works, so a failure of the refresh concerns no request.
    if (time >= token.refreshAt && time >= slot.resting) refresh().catch(() => {})
    return token
  }
  return untilAborted(refresh(), signal).catch((error) => {
    if (!signal?.aborted && now() < token.expiresAt) return token
    throw error
  })
}

/**
 * Obtains a token for all waiting callers. It has a time limit of its own, so that a caller who leaves does not cancel
 * it.
 *
 * @throws CfileError `upstream_timeout`, and the errors of `obtain`
 */
async function fly(
  slot: Slot,
  obtain: (call: TokenCall) => Promise<Token>,
  { fetch, now, wait, random, waitUntil, readFile }: Means,
): Promise<Token> {
  const limit = startDeadline(wait, longestFlightMs)
  const flight = obtain({ fetch, now, wait, random, waitUntil, readFile, signal: limit.signal })
  waitUntil(flight.catch(() => {}))
  try {
    slot.token = await flight
    return slot.token
  } catch (cause) {
    slot.resting = now() + rest
    if (!limit.isOver()) throw cause
    throw new CfileError('upstream_timeout', 'No token came in time.', { cause })
  } finally {
    limit.clear()
    slot.flight = undefined
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

/** Returns a token. A plain string has no known end, so it is not kept; the function is called for each request. */
type TokenProvider = (scope: string) => Promise<string | AccessToken>

/**
 * Creates a credential from one of `@azure/identity`, or from a function that returns tokens.
 *
 * @param source an object with `getToken`, or a function that is called with the scope
 * @throws (when it signs) CfileError `upstream_auth` if the source has no token
 */
export function tokenCredential(source: TokenCredential | TokenProvider): Credential {
  return bearer('token credential', async (scope, { now, signal }) => {
    const got =
      typeof source === 'function'
        ? await source(scope)
        : await source.getToken(scope, { abortSignal: signal })
    if (got === null) throw noToken()
    return typeof got === 'string' ? tokenFor(got, 0, now()) : tokenOf(got, now())
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
  readonly who: string
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
  { url, headers, form, who, hint }: TokenRequest,
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
    throw new CfileError('upstream_error', `${who} could not be reached.`, { hint, cause })
  })
  const fields = await readFields(answer)
  const { access_token: value } = fields
  if (answer.ok && typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)) {
    const seconds = Number(fields.expires_in ?? Number(fields.expires_on) - now())
    if (Number.isFinite(seconds)) {
      return tokenFor(value, seconds, now(), Number(fields.refresh_in) || undefined)
    }
  }
  throw refusal(answer, fields, who, hint)
}

/** The fields of an answer of at most 64 KiB; none if it is no JSON object. */
async function readFields({ body }: Response): Promise<Readonly<Record<string, unknown>>> {
  const { whole, ...rest } = await readBounded(body, 64 * 1024)
  if ('stream' in rest) await rest.stream?.cancel()
  const value = whole && parseJson(whole)
  return isObject(value) ? value : {}
}

// Error codes of Entra ID: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
const cures: readonly (readonly [codes: RegExp, hint: string])[] = [
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
  who: string,
  hint: string,
): CfileError {
  const code =
    /AADSTS\d{1,9}/.exec(String(description))?.[0] ??
    (typeof error === 'string' && /^[\w.-]{1,64}$/.test(error) ? error : null)
  const known = cures.find(([codes]) => codes.test(code ?? ''))
  return new CfileError(
    codeOf(answer.status),
    `${who} gave no token: status ${answer.status}${code === null ? '' : `, ${code}`}.`,
    { hint: known?.[1] ?? hint, upstream: upstreamAnswer(answer, code) },
  )
}

/** The code of the error for a status. */
function codeOf(status: number): ErrorCode {
  if (status === 429) return 'upstream_throttled'
  if (status >= 500) return 'upstream_error'
  return status < 400 ? 'upstream_invalid' : 'upstream_auth'
}
