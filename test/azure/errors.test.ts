/** Every known error answer, its meaning and its hint. */

import { describe, expect, it } from 'vitest'
import { type RequestTarget, readUpstreamError } from '../../src/azure/errors.ts'

interface Case {
  readonly name: string
  readonly status: number
  readonly body: unknown
  readonly target?: Partial<RequestTarget>
  readonly code: string
  /** The status for clients. */
  readonly becomes: number
  readonly hint?: RegExp
}

const openai = (message: string, more: object = {}) => ({
  error: { message, type: 'invalid_request_error', param: null, code: null, ...more },
})
const azure = (code: string, message: string) => ({ error: { code, message } })
const audience = (host: string) => ({
  statusCode: 401,
  message: `Unauthorized. Access token is missing, invalid, audience is incorrect (https://${host}), or have expired.`,
})
const lacking = azure(
  'PermissionDenied',
  'The principal `0` lacks the required data action `Microsoft.CognitiveServices/accounts/OpenAI/responses/write` to perform `POST /openai/v1/responses` operation.',
)
const checkAccess =
  'ApiId openai-api-2025-03-01-preview OperationId get-container not supported for CheckAccess.'
const project = { endpointKind: 'project' } as const

const cases: readonly Case[] = [
  // Authentication.
  {
    name: 'wrong audience, resource',
    status: 401,
    body: audience('cognitiveservices.azure.com'),
    code: 'upstream_auth',
    becomes: 502,
    hint: /cognitiveservices\.azure\.com\/\.default, which sets its audience; .*AZURE_OPENAI_SCOPE/,
  },
  {
    name: 'wrong audience, project',
    status: 401,
    body: audience('ai.azure.com'),
    target: project,
    code: 'upstream_auth',
    becomes: 502,
    hint: /project needs a token for https:\/\/ai\.azure\.com\/\.default, which sets its audience/,
  },
  {
    name: 'missing role, resource',
    status: 401,
    body: lacking,
    code: 'upstream_auth',
    becomes: 502,
    hint: /Cognitive Services OpenAI User on the account/,
  },
  {
    name: 'missing role, project',
    status: 401,
    body: lacking,
    target: project,
    code: 'upstream_auth',
    becomes: 502,
    hint: /Foundry User/,
  },
  {
    name: 'no access to the operation',
    status: 403,
    body: azure('Forbidden', 'Principal does not have access to API/Operation.'),
    code: 'upstream_auth',
    becomes: 502,
    hint: /role/,
  },
  {
    name: 'Entra under a dated version',
    status: 400,
    body: azure('API operation not supported for token authentication', checkAccess),
    code: 'upstream_auth',
    becomes: 502,
    hint: /AZURE_OPENAI_API_VERSION/,
  },
  {
    name: 'the same as text',
    status: 400,
    body: checkAccess,
    code: 'upstream_auth',
    becomes: 502,
    hint: /AZURE_OPENAI_API_VERSION/,
  },
  {
    name: 'wrong key',
    status: 401,
    body: azure(
      '401',
      'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.',
    ),
    code: 'upstream_auth',
    becomes: 502,
    hint: /AZURE_OPENAI_API_KEY must be a key of the resource/,
  },
  {
    name: 'keys disabled',
    status: 403,
    body: azure(
      'AuthenticationTypeDisabled',
      'Key based authentication is disabled for this resource.',
    ),
    code: 'upstream_auth',
    becomes: 502,
    hint: /Unset AZURE_OPENAI_API_KEY/,
  },
  {
    name: 'firewall',
    status: 403,
    body: azure('403', 'Access denied due to Virtual Network/Firewall rules.'),
    code: 'upstream_auth',
    becomes: 502,
    hint: /firewall of the account \(Networking\)/,
  },
  {
    name: 'public access off',
    status: 403,
    body: azure('403', 'Public access is disabled. Please configure private endpoint.'),
    code: 'upstream_auth',
    becomes: 502,
    hint: /private endpoint/,
  },
  {
    name: '401 without a word',
    status: 401,
    body: '',
    code: 'upstream_auth',
    becomes: 502,
    hint: /audience.*role.*firewall/,
  },
  {
    name: '403 with a page',
    status: 403,
    body: '<html>Blocked</html>',
    code: 'upstream_auth',
    becomes: 502,
    hint: /firewall/,
  },

  // Missing or expired things.
  {
    name: 'container is expired',
    status: 400,
    body: openai('Container is expired.'),
    code: 'container_expired',
    becomes: 410,
  },
  {
    name: 'container has expired',
    status: 404,
    body: openai("Container with id 'cntr_x' has expired."),
    target: { what: 'container' },
    code: 'container_not_found',
    becomes: 404,
  },
  {
    name: 'replayed history',
    status: 400,
    body: openai('Expected container_id: cntr_x'),
    target: { what: 'response' },
    code: 'container_expired',
    becomes: 410,
    hint: /code_interpreter_call/,
  },
  {
    name: 'container unknown',
    status: 404,
    body: openai("Container with id 'cntr_x' not found."),
    target: { what: 'container' },
    code: 'container_not_found',
    becomes: 404,
    hint: /endpoint is a resource: ask.*project/,
  },
  {
    name: 'container unknown, project',
    status: 404,
    body: openai("Container with id 'cntr_x' not found."),
    target: { what: 'container', ...project },
    code: 'container_not_found',
    becomes: 404,
    hint: /endpoint is a Foundry project.*ask the resource/,
  },
  {
    name: 'file not in the container',
    status: 404,
    body: openai('File cfile_x not found on container cntr_y.'),
    code: 'file_not_found',
    becomes: 404,
    hint: /only in the resource and region that created them/,
  },
  {
    name: 'file not in the container, project',
    status: 404,
    body: openai('File cfile_x not found on container cntr_y.'),
    target: project,
    code: 'file_not_found',
    becomes: 404,
    hint: /Foundry project/,
  },
  {
    name: 'container file at the Files API',
    status: 404,
    body: azure('notFound', 'The specified entity cannot be found.'),
    target: { what: 'file' },
    code: 'file_not_found',
    becomes: 404,
  },
  {
    name: 'response unknown',
    status: 404,
    body: openai("Response with id 'resp_x' not found."),
    target: { what: 'response' },
    code: 'not_found',
    becomes: 404,
  },
  {
    name: 'an error that is a text',
    status: 404,
    body: { error: 'container_file_download_unavailable', detail: 'x' },
    code: 'file_not_found',
    becomes: 404,
  },

  // Wrong endpoints.
  {
    name: 'unknown path',
    status: 404,
    body: azure('404', 'Resource not found'),
    code: 'upstream_invalid',
    becomes: 502,
    hint: /AZURE_OPENAI_ENDPOINT takes .*api\/projects/,
  },
  {
    name: 'a page that is not there',
    status: 404,
    body: '<!doctype html><title>404</title>',
    code: 'upstream_invalid',
    becomes: 502,
    hint: /AZURE_OPENAI_ENDPOINT/,
  },

  // Failures of the service.
  {
    name: 'Timeout as 408',
    status: 408,
    body: azure('Timeout', 'The operation was timeout.'),
    code: 'upstream_timeout',
    becomes: 504,
  },
  {
    name: 'Timeout as 500',
    status: 500,
    body: azure('Timeout', 'The operation was timeout.'),
    code: 'upstream_timeout',
    becomes: 504,
  },
  { name: '408 without a word', status: 408, body: '', code: 'upstream_timeout', becomes: 504 },
  {
    name: 'throttled',
    status: 429,
    body: azure('429', 'Requests have exceeded the rate limit.'),
    code: 'upstream_throttled',
    becomes: 429,
  },
  {
    name: 'throttled by a page',
    status: 429,
    body: '<html>',
    code: 'upstream_throttled',
    becomes: 429,
  },
  {
    name: 'server_error',
    status: 500,
    body: openai('The server had an error.', { type: 'server_error', code: 'server_error' }),
    code: 'upstream_error',
    becomes: 502,
    hint: /request id to Azure support/,
  },
  {
    name: '500 that speaks of a token',
    status: 500,
    body: audience('ai.azure.com'),
    code: 'upstream_error',
    becomes: 502,
  },
  {
    name: '503 with a page',
    status: 503,
    body: '<html>Down</html>',
    code: 'upstream_error',
    becomes: 502,
  },
  {
    name: '504',
    status: 504,
    body: 'upstream request timeout',
    code: 'upstream_error',
    becomes: 502,
  },
  {
    name: 'a dead kernel',
    status: 400,
    body: openai('There was an issue with your request. Please check your inputs and try again'),
    code: 'upstream_error',
    becomes: 502,
    hint: /create a new one/,
  },
  {
    name: 'an id that is too long',
    status: 400,
    body: openai('Invalid: string too long.', { code: 'string_above_max_length' }),
    code: 'upstream_error',
    becomes: 502,
  },
  { name: 'JSON that is no object', status: 418, body: '[]', code: 'upstream_error', becomes: 502 },
]

async function read({ status, body, target }: Case, headers: HeadersInit = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return readUpstreamError(new Response(text, { status, headers }), {
    what: 'container_file',
    endpointKind: 'resource',
    ...target,
  })
}

describe('an error answer of the upstream', () => {
  it.each(cases)('$name: $status becomes $code', async (seen) => {
    const error = await read(seen, { 'apim-request-id': 'azures-own' })
    expect(error).toMatchObject({ code: seen.code, status: seen.becomes })
    if (seen.hint !== undefined) expect(error.details.hint).toMatch(seen.hint)
    // The facts for Azure support are always present.
    expect(error.details.upstream).toMatchObject({ status: seen.status, request_id: 'azures-own' })
    expect(error.message).toMatch(/^[A-Z].*\.$/s)
  })

  it('never repeats the upstream’s text, which may name principals and internal hosts', async () => {
    for (const seen of cases) {
      const error = await read({
        ...seen,
        body: azure('X', `principal-4711 ${JSON.stringify(seen.body)}`),
      })
      expect(JSON.stringify([error.message, error.details.hint])).not.toContain('principal-4711')
    }
  })

  it('gives the wait in whole seconds, or one second if the upstream gives none', async () => {
    const throttled = cases.find(({ status }) => status === 429) as Case
    const waits = async (headers: HeadersInit) =>
      (await read(throttled, headers)).details.headers?.['retry-after']
    expect(await waits({ 'retry-after': '7' })).toBe('7')
    expect(await waits({ 'retry-after-ms': '1200' })).toBe('2')
    expect(await waits({})).toBe('1')
  })

  it('is read up to a limit, and may end in any way', async () => {
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(16 * 1024).fill(120))
      },
    })
    const target: RequestTarget = { what: 'file', endpointKind: 'resource' }
    const answer = new Response(endless, { status: 500 })
    expect((await readUpstreamError(answer, target)).code).toBe('upstream_error')
    expect(pulled).toBeLessThan(10)
    const broken = new ReadableStream<Uint8Array>({ pull: (it) => it.error(new Error('reset')) })
    const cut = new Response(broken, { status: 404 })
    expect((await readUpstreamError(cut, target)).code).toBe('file_not_found')
  })
})
