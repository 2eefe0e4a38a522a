/**
 * Azure's refusals → ours: what went wrong in words, and the cure. Azure has several envelopes
 * (`{error:{code,message}}`, `{statusCode,message}`, `{error:"…"}`, text, a page), and the status alone misleads:
 * a missing role is a 401, an expired container a 400.
 *
 * @module
 */

import { concatBytes, parseJson } from '../core/body.ts'
import { CfileError, type ErrorCode, type UpstreamAnswer } from '../core/errors.ts'

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
  const retryAfter =
    code === 'upstream_throttled' ? (parseRetryAfter(answer.headers) ?? 1) : undefined
  return new CfileError(code, message, {
    hint,
    upstream,
    headers: retryAfter === undefined ? undefined : { 'retry-after': String(retryAfter) },
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

/** How long the upstream wants to be left alone, in whole seconds rounded up; a date counts from the answer's own `Date`. */
export function parseRetryAfter(headers: Headers): number | undefined {
  for (const name of ['retry-after-ms', 'x-ms-retry-after-ms']) {
    const text = headers.get(name)
    if (text !== null && /^\d{1,9}(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) / 1000)
  }
  const text = headers.get('retry-after')
  if (text === null) return undefined
  if (/^\d{1,6}(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text))
  const seconds = (Date.parse(text) - Date.parse(headers.get('date') ?? '')) / 1000
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined
}

interface ErrorText {
  readonly code: string | null
  readonly message: string
}

interface Explanation {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string
}

interface Rule {
  readonly status?: readonly number[]
  /** Tested on `code: message`. */
  readonly says?: RegExp
  readonly asked?: Asked['what']
  readonly endpoint?: Asked['endpointKind']
  readonly means: Explanation
}

// The first that fits counts; the message goes before the status, since Azure's statuses say too little.
const rules: readonly Rule[] = [
  {
    says: /container is expired|container has expired/i,
    means: { code: 'container_expired', message: 'The container has expired.' },
  },
  {
    status: [400, 404],
    says: /not supported for CheckAccess|not supported for token authentication/i,
    means: {
      code: 'upstream_auth',
      message:
        'The upstream does not take Entra tokens for this operation under a dated api-version.',
      hint: 'Leave AZURE_OPENAI_API_VERSION out or set it to v1, or sign in with AZURE_OPENAI_API_KEY.',
    },
  },
  {
    says: /audience is incorrect|invalid audience/i,
    endpoint: 'project',
    means: {
      code: 'upstream_auth',
      message: 'The upstream refused the token: its audience is not the one of a project endpoint.',
      hint: 'A project wants a token for https://ai.azure.com/.default; unset AZURE_OPENAI_SCOPE or set it to that. It may also have expired.',
    },
  },
  {
    says: /audience is incorrect|invalid audience/i,
    means: {
      code: 'upstream_auth',
      message:
        'The upstream refused the credential: the token is missing, expired, or made for another audience.',
      hint: 'A resource wants a token for https://cognitiveservices.azure.com/.default; unset AZURE_OPENAI_SCOPE or set it to that.',
    },
  },
  {
    says: /PermissionDenied|lacks the required data action|does not have access to API/i,
    endpoint: 'project',
    means: {
      code: 'upstream_auth',
      message: 'The identity lacks a role on the project.',
      hint: 'Assign it the role Foundry User (formerly Azure AI User) on the project; new roles take up to five minutes.',
    },
  },
  {
    says: /PermissionDenied|lacks the required data action|does not have access to API/i,
    means: {
      code: 'upstream_auth',
      message: 'The identity lacks a role on the account.',
      hint: 'Assign it the role Cognitive Services OpenAI User on the account (not on a project); new roles take up to five minutes.',
    },
  },
  {
    says: /Virtual Network|Firewall rules|public (?:network )?access is (?:disabled|not)|private endpoint/i,
    means: {
      code: 'upstream_auth',
      message: "The account's firewall refused this machine.",
      hint: "Allow this machine's address or network under Networking of the account, or reach it by its private endpoint.",
    },
  },
  {
    says: /AuthenticationTypeDisabled|key based authentication is disabled|local auth/i,
    means: {
      code: 'upstream_auth',
      message: 'Keys are disabled on the account.',
      hint: 'Unset AZURE_OPENAI_API_KEY and sign in with Entra ID: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or a managed identity.',
    },
  },
  {
    says: /invalid subscription key|wrong API endpoint|incorrect api key|invalid api key/i,
    means: {
      code: 'upstream_auth',
      message: 'The upstream refused the key.',
      hint: 'AZURE_OPENAI_API_KEY must be a key of the very resource in AZURE_OPENAI_ENDPOINT.',
    },
  },
  {
    status: [401, 403],
    means: {
      code: 'upstream_auth',
      message: 'The upstream refused the credential.',
      hint: 'Check the key (AZURE_OPENAI_API_KEY), or the identity: its audience, its role on the account, and the firewall of the account.',
    },
  },
  {
    status: [429],
    means: { code: 'upstream_throttled', message: 'The upstream is throttling; ask again later.' },
  },
  {
    status: [408, 504],
    means: {
      code: 'upstream_timeout',
      message: 'The upstream gave up on its own operation; ask again.',
    },
  },
  {
    says: /^Timeout: |operation was timeout/i,
    means: {
      code: 'upstream_timeout',
      message: 'The upstream gave up on its own operation; ask again.',
    },
  },
  {
    status: [404],
    says: /Resource not found/i,
    means: {
      code: 'upstream_invalid',
      message: 'The upstream does not know this path, so the endpoint is of the wrong form.',
      hint: 'AZURE_OPENAI_ENDPOINT takes https://RES.openai.azure.com, or for what a Foundry project made https://RES.services.ai.azure.com/api/projects/P; AZURE_OPENAI_API_VERSION takes no date.',
    },
  },
  {
    status: [404],
    asked: 'container',
    means: missing('container_not_found', 'The upstream knows no such container.'),
  },
  {
    status: [404],
    asked: 'response',
    means: missing('not_found', 'The upstream knows no such response.'),
  },
  {
    status: [404],
    asked: 'container_file',
    endpoint: 'resource',
    means: missing(
      'file_not_found',
      'The upstream knows no such file in that container.',
      'Things live only where they were made: what a Foundry project made must be asked of the project, another region of that region. The endpoint asked was that of a resource.',
    ),
  },
  {
    status: [404],
    asked: 'container_file',
    means: missing(
      'file_not_found',
      'The upstream knows no such file in that container.',
      'Things live only where they were made: what the resource itself made must be asked of the resource. The endpoint asked was that of a Foundry project.',
    ),
  },
  { status: [404], means: missing('file_not_found', 'The upstream knows no such file.') },
]

function missing(code: ErrorCode, message: string, hint?: string): Explanation {
  return { code, message, hint }
}

function explain(status: number, body: ErrorText, asked: Asked): Explanation {
  const text = body.code === null ? body.message : `${body.code}: ${body.message}`
  const rule = rules.find(
    (candidate) =>
      (candidate.status?.includes(status) ?? true) &&
      (candidate.says?.test(text) ?? true) &&
      (candidate.asked ?? asked.what) === asked.what &&
      (candidate.endpoint ?? asked.endpointKind) === asked.endpointKind,
  )
  if (rule !== undefined) return rule.means
  return {
    code: 'upstream_error',
    message: `The upstream refused with status ${status}.`,
    hint:
      status >= 500
        ? 'Azure itself failed; give its request id to Azure support if it goes on.'
        : undefined,
  }
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
