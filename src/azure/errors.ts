/**
 * Azure's refusals → ours: what went wrong in words, and the cure. Azure has several envelopes
 * (`{error:{code,message}}`, `{statusCode,message}`, `{error:"…"}`, text, a page), and the status alone misleads:
 * a missing role is a 401, an expired container a 400.
 *
 * @module
 */

import { CfileError, type ErrorCode, type UpstreamAnswer } from '../core/errors.ts'
import { concatBytes, parseJson } from '../core/http/body.ts'
import { retryAfterMs } from './retry.ts'

/** What was asked for when the upstream refused. */
export interface Asked {
  readonly what: 'container' | 'container_file' | 'file' | 'response'
  readonly endpointKind: 'resource' | 'project'
}

/** Reads a refusal: its status, its headers, at most 64 KiB of its body. */
export async function readUpstreamError(answer: Response, asked: Asked): Promise<CfileError> {
  const body = readBody(await readStart(answer))
  const upstream = upstreamAnswer(answer, body.code)
  const { code, message, hint } = explain(answer.status, body, asked)
  const isThrottled = code === 'upstream_throttled'
  const seconds = Math.ceil((retryAfterMs(answer.headers) ?? 1000) / 1000)
  return new CfileError(code, message, {
    hint,
    upstream,
    headers: isThrottled ? { 'retry-after': String(seconds) } : undefined,
  })
}

/** The part of an answer that support needs: status, code, and Azure's own id of the request. */
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
  readonly says?: RegExp
  readonly asked?: Asked['what']
  readonly code: ErrorCode
  readonly message: string
  /** One for both kinds of endpoint, or one for each. */
  readonly hint?: string | Readonly<Record<Asked['endpointKind'], string>>
}

const is =
  (...statuses: readonly number[]) =>
  (status: number) =>
    statuses.includes(status)

const gaveUp = 'The upstream gave up on its own operation; ask again.'
const home =
  'Things live only where they were made, in one resource of one region. The endpoint asked was that of a '
const homes = {
  resource: `${home}resource: what a Foundry project made must be asked of the project, https://RES.services.ai.azure.com/api/projects/P.`,
  project: `${home}Foundry project: what the resource itself made must be asked of the resource, https://RES.openai.azure.com.`,
}

// The first that fits counts. Azure's statuses say too little, so what is said goes before them; but a server that is
// down says anything.
const rules: readonly Rule[] = [
  {
    status: is(429),
    code: 'upstream_throttled',
    message: 'The upstream is throttling; ask again later.',
  },
  { status: is(408), code: 'upstream_timeout', message: gaveUp },
  { says: /^Timeout: |operation was timeout/i, code: 'upstream_timeout', message: gaveUp },
  {
    status: (status) => status >= 500,
    code: 'upstream_error',
    message: 'The upstream failed.',
    hint: 'Azure itself failed, and again when it was asked anew; give its request id to Azure support if it goes on.',
  },
  {
    says: /container (?:is|has) expired/i,
    code: 'container_expired',
    message: 'The container has expired.',
  },
  {
    says: /expected container_id/i,
    code: 'container_expired',
    message: 'The history that was sent names a container that is gone.',
    hint: 'Leave its code_interpreter_call items out.',
  },
  {
    says: /not supported for (?:CheckAccess|token authentication)/i,
    code: 'upstream_auth',
    message:
      'The upstream does not take Entra tokens for this operation under a dated api-version.',
    hint: 'Leave AZURE_OPENAI_API_VERSION out or set it to v1, or sign in with AZURE_OPENAI_API_KEY.',
  },
  {
    says: /audience is incorrect|invalid audience/i,
    code: 'upstream_auth',
    message:
      'The upstream refused the token: it has expired, or its audience is not the one of this endpoint.',
    hint: {
      resource:
        'A resource wants a token for https://cognitiveservices.azure.com/.default; unset AZURE_OPENAI_SCOPE or set it to that.',
      project:
        'A project wants a token for https://ai.azure.com/.default; unset AZURE_OPENAI_SCOPE or set it to that.',
    },
  },
  {
    says: /PermissionDenied|lacks the required data action|does not have access to API/i,
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
    says: /Virtual Network|Firewall rules|public (?:network )?access is (?:disabled|not)|private endpoint/i,
    code: 'upstream_auth',
    message: "The account's firewall refused this machine.",
    hint: "Allow this machine's address or network under Networking of the account, or reach it by its private endpoint.",
  },
  {
    says: /AuthenticationTypeDisabled|key based authentication is disabled|local auth/i,
    code: 'upstream_auth',
    message: 'Keys are disabled on the account.',
    hint: 'Unset AZURE_OPENAI_API_KEY and sign in with Entra ID: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or a managed identity.',
  },
  {
    says: /invalid subscription key|wrong API endpoint|(?:incorrect|invalid) api key/i,
    code: 'upstream_auth',
    message: 'The upstream refused the key.',
    hint: 'AZURE_OPENAI_API_KEY must be a key of the very resource in AZURE_OPENAI_ENDPOINT.',
  },
  {
    status: is(401, 403),
    code: 'upstream_auth',
    message: 'The upstream refused the credential.',
    hint: 'Check the key (AZURE_OPENAI_API_KEY), or the identity: its audience, its role on the account, and the firewall of the account.',
  },
  {
    says: /^\s*</,
    code: 'upstream_invalid',
    message: 'The upstream answered with a page, not with its API.',
    hint: 'Check that AZURE_OPENAI_ENDPOINT is the resource itself and not a portal or a proxy before it.',
  },
  {
    status: is(404),
    says: /Resource not found/i,
    code: 'upstream_invalid',
    message: 'The upstream does not know this path, so the endpoint is of the wrong form.',
    hint: 'AZURE_OPENAI_ENDPOINT takes https://RES.openai.azure.com, or for what a Foundry project made https://RES.services.ai.azure.com/api/projects/P; AZURE_OPENAI_API_VERSION takes no date.',
  },
  {
    status: is(404),
    asked: 'container',
    code: 'container_not_found',
    message: 'The upstream knows no such container.',
    hint: homes,
  },
  {
    status: is(404),
    asked: 'container_file',
    code: 'file_not_found',
    message: 'The upstream knows no such file in that container.',
    hint: homes,
  },
  {
    status: is(404),
    asked: 'response',
    code: 'not_found',
    message: 'The upstream knows no such response.',
    hint: homes,
  },
  { status: is(404), code: 'file_not_found', message: 'The upstream knows no such file.' },
  {
    says: /There was an issue with your request/i,
    code: 'upstream_error',
    message: 'The upstream could not do it.',
    hint: 'The container may have run out of memory and does not recover; begin a new one.',
  },
]

function explain(
  status: number,
  { code, message }: ErrorText,
  { what, endpointKind }: Asked,
): Pick<Rule, 'code' | 'message'> & { readonly hint?: string } {
  const text = code === null ? message : `${code}: ${message}`
  const rule = rules.find(
    ({ status: fits, says, asked }) =>
      (fits?.(status) ?? true) && (says?.test(text) ?? true) && (asked ?? what) === what,
  )
  if (rule === undefined) {
    return { code: 'upstream_error', message: `The upstream refused with status ${status}.` }
  }
  const { hint } = rule
  return { ...rule, hint: typeof hint === 'object' ? hint[endpointKind] : hint }
}

const mostErrorBytes = 64 * 1024

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
    // A refusal that breaks off is a refusal all the same.
  }
  await reader.cancel().catch(() => {})
  return concatBytes(chunks)
}

function readBody(bytes: Uint8Array): ErrorText {
  const value = parseJson(bytes)
  if (typeof value !== 'object' || value === null) {
    return { code: null, message: new TextDecoder().decode(bytes.subarray(0, 1024)) }
  }
  const { error, message } = value as Record<string, unknown>
  if (typeof error === 'object' && error !== null) {
    const inner = error as Record<string, unknown>
    return { code: textOrNull(inner.code), message: textOrNull(inner.message) ?? '' }
  }
  return { code: textOrNull(error), message: textOrNull(message) ?? '' }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value.slice(0, 2048) : null
}
