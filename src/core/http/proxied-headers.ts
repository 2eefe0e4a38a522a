/**
 * Which headers go through a proxy and which belong to one connection, one caller or one hop.
 *
 * @module
 */

// RFC 9110 §7.6.1, and those that proxies and clients still send beyond it.
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

const ofTheCaller = [
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
  // The body's length is the transport's business, and so is its coding: a length counted before decoding lies.
  'content-length',
  'accept-encoding',
]

const ofTheCallerPrefix = /^(?:cf-|sec-|x-ms-client-principal|x-cfile-|proxy-)/

// With these a server may take another method, path or host than those that were checked.
const overriding = /(?:^|-)(?:method|overrides?)(?:-|$)|-(?:host|(?:destination)?ur[il])$/

// Of gateways and hosts before an app: keys, client certificates, who signed in, what was asked for.
const ofOtherGateways =
  /^(?:ocp-apim-.*|x-(?:accel|amzn|appservice|arr|azure|envoy|forwarded|functions|goog|original|proxy|remote|rewrite|waws)(?:-.*)?|x-api-key|x-client-cert)$/

const ofTheUpstream = [
  'set-cookie',
  'set-cookie2',
  'alt-svc',
  'strict-transport-security',
  'x-cfile-request-id',
]

/** The headers of a caller's request that belong to the API and go upstream. */
export function requestHeaders(headers: Headers): Headers {
  const kept = withoutHopByHop(headers)
  for (const name of ofTheCaller) kept.delete(name)
  for (const name of [...kept.keys()]) {
    const isKept = ![ofTheCallerPrefix, overriding, ofOtherGateways].some((names) =>
      names.test(name),
    )
    if (!isKept) kept.delete(name)
  }
  return kept
}

/** The headers of an upstream's answer that belong to the API and go back to the caller. */
export function responseHeaders(headers: Headers): Headers {
  const kept = withoutHopByHop(headers)
  for (const name of ofTheUpstream) kept.delete(name)
  // Which pages may read an answer is for this gateway's settings to say.
  for (const name of [...kept.keys()]) if (name.startsWith('access-control-')) kept.delete(name)
  return kept
}

/** Drops the fixed list and whatever the Connection header nominates. */
function withoutHopByHop(headers: Headers): Headers {
  const kept = new Headers(headers)
  const nominated = headers.get('connection')?.split(',') ?? []
  for (const name of [...hopByHop, ...nominated.map((token) => token.trim())]) {
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) kept.delete(name)
  }
  return kept
}
