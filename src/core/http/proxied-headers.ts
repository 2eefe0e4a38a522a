/**
 * Selects the headers that pass through the proxy, and those that do not survive a change of the body.
 *
 * @module
 */

// RFC 9110 §7.6.1, and further ones that proxies and clients still send.
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]

const callerOnly = [
  'authorization',
  'api-key',
  'cookie',
  'cookie2',
  'host',
  'origin',
  'referer',
  'forwarded',
  'via',
  'x-real-ip',
  'x-client-ip',
  'true-client-ip',
  'expect',
  // The transport sets length and coding of the body. A length counted before decoding would be wrong.
  'content-length',
  'accept-encoding',
]

const callerOnlyPrefix = /^(?:cf-|sec-|x-ms-client-principal|x-cfile-|proxy-)/

// With these headers a server may use another method, path or host than the checked one.
const overriding = /(?:^|-)(?:method|overrides?)(?:-|$)|-(?:host|(?:destination)?ur[il])$/

// Headers of other gateways and hosts in front of the app: keys, client certificates, signed-in users, original URLs.
const otherGateways =
  /^(?:ocp-apim-.*|x-(?:accel|amzn|appservice|arr|azure|envoy|forwarded|functions|goog|original|proxy|remote|rewrite|waws)(?:-.*)?|x-api-key|x-client-cert)$/

// Headers that contain credentials, by their names. `Idempotency-Key` is not one.
const credentials =
  /(?:^|-)(?:auth|authorization|credentials?|keys?|passwords?|protection-bypass|secrets?|tokens?)(?:-|$)/
const harmless = 'idempotency-key'

// CGI and WSGI servers read "_" as "-", so such a name would pass every check above.
const ambiguous = /_|^(?:destination|x-proxy.*)$/

const upstreamOnly = [
  'set-cookie',
  'set-cookie2',
  'alt-svc',
  'strict-transport-security',
  'x-cfile-request-id',
]

/** Headers that describe the bytes of a body, so that they are wrong for another body. */
export const bodyHeaders: readonly string[] = [
  'content-length',
  'content-md5',
  'content-digest',
  'repr-digest',
  'etag',
]

const removed = [callerOnlyPrefix, overriding, otherGateways, credentials, ambiguous]

/**
 * The headers of a caller's request that are sent upstream.
 *
 * @param headers of the caller; not changed
 * @returns headers without credentials, since the client of the upstream adds its own
 */
export function requestHeaders(headers: Headers): Headers {
  const kept = withoutHopByHop(headers)
  for (const name of callerOnly) kept.delete(name)
  for (const name of [...kept.keys()]) {
    const isKept = name === harmless || !removed.some((names) => names.test(name))
    if (!isKept) kept.delete(name)
  }
  return kept
}

/**
 * The headers of an upstream's answer that are returned to the caller.
 *
 * @param headers of the upstream; not changed
 */
export function responseHeaders(headers: Headers): Headers {
  const kept = withoutHopByHop(headers)
  for (const name of upstreamOnly) kept.delete(name)
  // CORS headers come from this gateway's own settings.
  for (const name of [...kept.keys()]) if (name.startsWith('access-control-')) kept.delete(name)
  return kept
}

/** Removes hop-by-hop headers and those that the Connection header names. */
function withoutHopByHop(headers: Headers): Headers {
  const kept = new Headers(headers)
  const nominated = headers.get('connection')?.split(',') ?? []
  for (const name of [...hopByHop, ...nominated.map((token) => token.trim())]) {
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) kept.delete(name)
  }
  return kept
}
