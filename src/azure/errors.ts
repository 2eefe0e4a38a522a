/**
 * Maps error answers of Azure to cfile's errors with a message and a hint. Azure uses several formats
 * (`{error:{code,message}}`, `{statusCode,message}`, `{error:"…"}`, text, HTML), and its status can mislead: a missing
 * role is a 401, an expired container a 400.
 *
 * @module
 */

import { CfileError, type ErrorCode, type UpstreamAnswer } from '../core/errors.ts'
import { concatBytes, parseJson } from '../core/http/body.ts'
import { isObject } from '../core/json/value.ts'
import { retryAfterMs } from '../core/time.ts'

/** What a refused request was for. It decides what a 404 means, and the hint. */
export interface RequestTarget {
  readonly what: 'container' | 'container_file' | 'file' | 'response'
  readonly endpointKind: 'resource' | 'project'
}

/**
 * Converts an error answer. Reads status, headers and at most 64 KiB of the body.
 *
 * @param answer that is no success, its body unread; the body is cancelled
 * @param target what the request was for
 * @returns the error; a broken body does not throw
 */
export async function readUpstreamError(
  answer: Response,
  target: RequestTarget,
): Promise<CfileError> {
  const body = readBody(await readStart(answer))
  const upstream = upstreamAnswer(answer, body.code)
  const { code, message, hint } = explain(answer.status, body, target)
  const isThrottled = code === 'upstream_throttled'
  const seconds = Math.ceil((retryAfterMs(answer.headers) ?? 1000) / 1000)
  return new CfileError(code, message, {
    hint,
    upstream,
    headers: isThrottled ? { 'retry-after': String(seconds) } : undefined,
  })
}

/**
 * The facts that Azure support needs: status, code, and Azure's id of the request.
 *
 * @param answer only its status and its headers are read
 * @param code error code in the body of the answer, if any
 */
export function upstreamAnswer(
  { status, headers }: Response,
  code: string | null = null,
): UpstreamAnswer {
  const request_id =
    headers.get('apim-request-id') ?? headers.get('x-request-id') ?? headers.get('x-ms-request-id')
  return { status, code, request_id }
}

interface ErrorText {
  readonly code: string | null
  readonly message: string
}

interface Rule {
  readonly status?: (status: number) => boolean
  /** Tested on `code: message`. */
  readonly text?: RegExp
  readonly target?: RequestTarget['what']
  readonly code: ErrorCode
  readonly message: string
  /** One hint for both kinds of endpoint, or one for each. */
  readonly hint?: string | Readonly<Record<RequestTarget['endpointKind'], string>>
}

const oneOf =
  (...statuses: readonly number[]) =>
  (status: number) =>
    statuses.includes(status)

const gaveUp = 'The upstream timed out on its own operation; try again.'
const existsOnlyThere =
  'Things exist only in the resource and region that created them. This endpoint is a '
const otherEndpointHints = {
  resource: `${existsOnlyThere}resource: ask the project for what a Foundry project created, https://RES.services.ai.azure.com/api/projects/P.`,
  project: `${existsOnlyThere}Foundry project: ask the resource for what the resource itself created, https://RES.openai.azure.com.`,
}

// The first matching rule counts. Rules about the text come before most rules about the status, because they are more
// exact. The text of a failing server is ignored.
const rules: readonly Rule[] = [
  {
    status: oneOf(429),
    code: 'upstream_throttled',
    message: 'The upstream is throttling; try again later.',
  },
  { status: oneOf(408), code: 'upstream_timeout', message: gaveUp },
  { text: /^Timeout: |operation was timeout/i, code: 'upstream_timeout', message: gaveUp },
  {
    status: (status) => status >= 500,
    code: 'upstream_error',
    message: 'The upstream failed.',
    hint: 'Azure itself failed, also on repeated requests; if it continues, give its request id to Azure support.',
  },
  {
    text: /container (?:is|has) expired/i,
    code: 'container_expired',
    message: 'The container has expired.',
  },
  {
    text: /expected container_id/i,
    code: 'container_expired',
    message: 'The history in the request names a container that no longer exists.',
    hint: 'Leave out its code_interpreter_call items.',
  },
  {
    text: /not supported for (?:CheckAccess|token authentication)/i,
    code: 'upstream_auth',
    message:
      'The upstream does not accept Entra tokens for this operation under a dated api-version.',
    hint: 'Unset AZURE_OPENAI_API_VERSION or set it to v1, or sign in with AZURE_OPENAI_API_KEY.',
  },
  {
    text: /audience is incorrect|invalid audience/i,
    code: 'upstream_auth',
    message:
      'The upstream refused the token: it has expired, or its audience is not the one of this endpoint.',
    hint: {
      resource:
        'A resource needs a token for https://cognitiveservices.azure.com/.default, which sets its audience; unset AZURE_OPENAI_SCOPE or set it to that.',
      project:
        'A project needs a token for https://ai.azure.com/.default, which sets its audience; unset AZURE_OPENAI_SCOPE or set it to that.',
    },
  },
  {
    text: /PermissionDenied|lacks the required data action|does not have access to API/i,
    code: 'upstream_auth',
    message: 'The identity lacks a role.',
    hint: {
      resource:
        'Assign it the role Cognitive Services OpenAI User on the account (not on a project); new roles take up to five minutes.',
      project:
        'Assign it the role Foundry User (formerly Azure AI User) on the project; new roles take up to five minutes.',
    },
  },
  {
    text: /Virtual Network|Firewall rules|public (?:network )?access is (?:disabled|not)|private endpoint/i,
    code: 'upstream_auth',
    message: "The account's firewall refused this machine.",
    hint: "In the firewall of the account (Networking), allow this machine's address or network, or reach the account by its private endpoint.",
  },
  {
    text: /AuthenticationTypeDisabled|key based authentication is disabled|local auth/i,
    code: 'upstream_auth',
    message: 'Keys are disabled on the account.',
    hint: 'Unset AZURE_OPENAI_API_KEY and sign in with Entra ID: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or a managed identity.',
  },
  {
    text: /invalid subscription key|wrong API endpoint|(?:incorrect|invalid) api key/i,
    code: 'upstream_auth',
    message: 'The upstream refused the key.',
    hint: 'AZURE_OPENAI_API_KEY must be a key of the resource in AZURE_OPENAI_ENDPOINT.',
  },
  {
    status: oneOf(401, 403),
    code: 'upstream_auth',
    message: 'The upstream refused the credential.',
    hint: 'Check the key (AZURE_OPENAI_API_KEY), or the identity: its audience, its role on the account, and the firewall of the account.',
  },
  {
    text: /^\s*</,
    code: 'upstream_invalid',
    message: 'The upstream answered with an HTML page instead of an API answer.',
    hint: 'Check that AZURE_OPENAI_ENDPOINT is the resource itself and not a portal or a proxy in front of it.',
  },
  {
    status: oneOf(404),
    text: /Resource not found/i,
    code: 'upstream_invalid',
    message: 'The upstream does not know this path, so the endpoint has the wrong form.',
    hint: 'AZURE_OPENAI_ENDPOINT takes https://RES.openai.azure.com, or for what a Foundry project created https://RES.services.ai.azure.com/api/projects/P; AZURE_OPENAI_API_VERSION takes no date.',
  },
  {
    status: oneOf(404),
    target: 'container',
    code: 'container_not_found',
    message: 'The upstream has no such container.',
    hint: otherEndpointHints,
  },
  {
    status: oneOf(404),
    target: 'container_file',
    code: 'file_not_found',
    message: 'The upstream has no such file in that container.',
    hint: otherEndpointHints,
  },
  {
    status: oneOf(404),
    target: 'response',
    code: 'not_found',
    message: 'The upstream has no such response.',
    hint: otherEndpointHints,
  },
  { status: oneOf(404), code: 'file_not_found', message: 'The upstream has no such file.' },
  {
    text: /There was an issue with your request/i,
    code: 'upstream_error',
    message: 'The upstream could not process the request.',
    hint: 'The container may have run out of memory, from which it does not recover; create a new one.',
  },
]

/**
 * Finds the first rule that matches an answer.
 *
 * @param status of the answer
 */
function explain(
  status: number,
  { code, message }: ErrorText,
  { what, endpointKind }: RequestTarget,
): Pick<Rule, 'code' | 'message'> & { readonly hint?: string } {
  const text = code === null ? message : `${code}: ${message}`
  const rule = rules.find(
    (one) =>
      (one.status?.(status) ?? true) &&
      (one.text?.test(text) ?? true) &&
      (one.target ?? what) === what,
  )
  if (rule === undefined) {
    return { code: 'upstream_error', message: `The upstream refused with status ${status}.` }
  }
  const { hint } = rule
  return { ...rule, hint: typeof hint === 'object' ? hint[endpointKind] : hint }
}

const mostErrorBytes = 64 * 1024

/** Reads at most 64 KiB of a body, and cancels the rest. */
async function readStart({ body }: Response): Promise<Uint8Array> {
  if (body === null) return new Uint8Array()
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    while (length < mostErrorBytes) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
      length += value.byteLength
    }
  } catch {
    // An error answer that breaks off is used as far as it arrived.
  }
  await reader.cancel().catch(() => {})
  return concatBytes(chunks)
}

/** Reads code and message in any of Azure's formats. */
function readBody(bytes: Uint8Array): ErrorText {
  const value = parseJson(bytes)
  if (!isObject(value)) {
    return { code: null, message: new TextDecoder().decode(bytes.subarray(0, 1024)) }
  }
  const { error, message } = value
  if (isObject(error)) {
    return { code: textOrNull(error.code), message: textOrNull(error.message) ?? '' }
  }
  return { code: textOrNull(error), message: textOrNull(message) ?? '' }
}

/** A text of at most 2,048 characters; `null` for any other value. */
function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value.slice(0, 2048) : null
}
