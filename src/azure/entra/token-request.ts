/**
 * Requests a token. The endpoints of Entra ID, of App Service and of IMDS take different requests but give the same
 * answers.
 *
 * @module
 */

import { CfileError, type ErrorCode } from '../../core/errors.ts'
import { parseJson, readBounded } from '../../core/http/body.ts'
import { isObject } from '../../core/json/value.ts'
import { upstreamAnswer } from '../errors.ts'
import { type Token, type TokenCall, tokenFor } from './tokens.ts'

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
 * Requests a token. Errors contain only the error code of the answer, never its text.
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
