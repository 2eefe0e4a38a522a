/**
 * Named wrong answers, as seen on the wire.
 *
 * @module
 */

import { azureRefusal, containerExpired, invalidKey, Refusal, resourceNotFound } from './errors.ts'

/** The facts about a request that a wrong answer contains. */
export interface FaultedRequest {
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
    // This answer comes without the envelope.
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
