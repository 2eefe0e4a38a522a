import { describe, expect, it } from 'vitest'
import { requestHeaders, responseHeaders } from '../../../src/core/http/proxied-headers.ts'

// The Headers of Node and workerd accept any name from code, also names that a browser would refuse.
const namesOf = (headers: Headers) => [...headers.keys()]

const hopByHop: Record<string, string> = {
  connection: 'close',
  'keep-alive': 'timeout=5',
  'proxy-authenticate': 'Basic',
  'proxy-authorization': 'Basic YTpi',
  'proxy-authentication-info': 'x',
  'proxy-connection': 'keep-alive',
  te: 'trailers',
  trailer: 'Expires',
  'transfer-encoding': 'chunked',
  upgrade: 'h2c',
  'http2-settings': 'AAMAAABkAAQAAP__',
}

const ofOneCaller: Record<string, string> = {
  authorization: 'Bearer key-of-ann',
  'api-key': 'key-of-ann',
  cookie: 'session=1',
  cookie2: '$Version=1',
  host: 'files.example.com',
  origin: 'https://app.example.com',
  referer: 'https://app.example.com/private?token=1',
  forwarded: 'for=192.0.2.1',
  via: '1.1 proxy',
  'x-real-ip': '192.0.2.1',
  'x-client-ip': '192.0.2.1',
  'true-client-ip': '192.0.2.1',
  'x-forwarded-for': '192.0.2.1',
  'x-forwarded-host': 'files.example.com',
  'x-forwarded-proto': 'https',
  'x-forwarded-access-token': 'secret',
  'cf-connecting-ip': '192.0.2.1',
  'cf-access-jwt-assertion': 'secret',
  'sec-fetch-site': 'same-origin',
  'x-ms-client-principal': 'eyJ',
  'x-ms-client-principal-id': 'ann',
  'x-cfile-anything': '1',
  'proxy-anything': '1',
  expect: '100-continue',
  'content-length': '12',
  'accept-encoding': 'gzip, br',
}

const overriding: Record<string, string> = {
  'x-http-method-override': 'DELETE',
  'x-http-method': 'DELETE',
  'x-method-override': 'DELETE',
  'x-method': 'DELETE',
  'x-requested-method': 'DELETE',
  'x-original-method': 'DELETE',
  'x-original-url': '/openai/v1/files',
  'x-original-uri': '/openai/v1/files',
  'x-original-path': '/openai/v1/files',
  'x-original-host': 'evil.example',
  'x-rewrite-url': '/openai/v1/files',
  'x-rewrite-uri': '/openai/v1/files',
  'x-override-url': '/openai/v1/files',
  'x-request-uri': '/openai/v1/files',
  'x-envoy-original-path': '/openai/v1/files',
  'x-waws-unencoded-url': '/openai/v1/files',
  'x-accel-redirect': '/openai/v1/files',
  'x-proxy-url': 'https://evil.example',
  'x-http-destinationurl': 'https://evil.example',
  'x-http-host-override': 'evil.example',
  'x-host': 'evil.example',
  'x-forwarded': 'for=192.0.2.1',
  'x-forwarded-anything': '1',
  'disguised-host': 'evil.example',
  x_http_method_override: 'DELETE',
  _method: 'DELETE',
  x_original_url: '/openai/v1/files',
  destination: 'https://evil.example',
}

const keysOfOthers: Record<string, string> = {
  'ocp-apim-subscription-key': 'secret',
  'ocp-apim-trace': 'true',
  'x-functions-key': 'secret',
  'x-functions-clientid': 'ann',
  'x-api-key': 'secret',
  'x-azure-fdid': 'id',
  'x-azure-clientip': '192.0.2.1',
  'x-arr-clientcert': 'certificate',
  'x-client-cert': 'certificate',
  'x-amzn-oidc-data': 'token',
  'x-goog-iap-jwt-assertion': 'token',
  'x-remote-user': 'ann',
  'x-ms-token-aad-access-token': 'token',
  'x-ms-authorization-auxiliary': 'Bearer token',
  'x-auth-token': 'token',
  'x-github-token': 'token',
  'x-amz-security-token': 'token',
  'subscription-key': 'secret',
  'x-apim-key': 'secret',
  'authorization-key': 'secret',
  'dapr-api-token': 'token',
  'x-vercel-protection-bypass': 'secret',
  'x-csrf-token': 'token',
  'x-proxyuser-ip': '192.0.2.1',
}

const ofTheApi: Record<string, string> = {
  accept: 'text/event-stream',
  'content-type': 'application/json',
  'idempotency-key': 'a-key',
  'if-none-match': '"a"',
  'last-event-id': '7',
  'openai-beta': 'responses=v1',
  'openai-organization': 'org',
  range: 'bytes=0-1',
  'user-agent': 'OpenAI/JS 7',
  'x-ms-client-request-id': 'id',
  'x-ms-user-agent': 'sdk',
  'x-new-of-the-api': '1',
  'x-request-id': 'id',
  'aoai-evals': 'preview',
  'x-stainless-retry-count': '0',
}

describe('requestHeaders', () => {
  it('sends the headers of the API unchanged, known or unknown', () => {
    expect(Object.fromEntries(requestHeaders(new Headers(ofTheApi)))).toEqual(ofTheApi)
  })

  it.each(Object.entries({ ...overriding, ...keysOfOthers }))(
    'removes %s, with which a caller could change what was checked',
    (name, value) => {
      for (const spelt of [name, name.toUpperCase()]) {
        const sent = requestHeaders(new Headers({ [spelt]: value, accept: '*/*' }))
        expect(namesOf(sent)).toEqual(['accept'])
      }
    },
  )

  it.each(Object.entries({ ...hopByHop, ...ofOneCaller }))(
    'removes %s, which belongs to this connection or this caller',
    (name, value) => {
      for (const spelt of [name, name.toUpperCase()]) {
        const sent = requestHeaders(new Headers({ [spelt]: value, accept: '*/*' }))
        expect(namesOf(sent)).toEqual(['accept'])
      }
    },
  )

  it('removes headers that Connection names, so that a caller cannot control what the next hop removes', () => {
    const headers = { connection: 'close, X-Hop ,x-other,,"odd"', 'x-hop': '1', 'x-other': '2' }
    expect(namesOf(requestHeaders(new Headers({ ...headers, accept: '*/*' })))).toEqual(['accept'])
    const twice = new Headers({ 'x-hop': '1', 'x-kept': '3' })
    twice.append('connection', 'x-hop')
    twice.append('connection', 'keep-alive')
    expect(namesOf(requestHeaders(twice))).toEqual(['x-kept'])
  })

  it('does not change the caller’s Headers object', () => {
    const headers = new Headers({ authorization: 'Bearer key-of-ann', te: 'trailers' })
    requestHeaders(headers)
    expect(namesOf(headers)).toEqual(['authorization', 'te'])
  })
})

describe('responseHeaders', () => {
  const answered: Record<string, string> = {
    'apim-request-id': 'a',
    'content-length': '12',
    'content-type': 'application/json',
    'openai-processing-ms': '7',
    'retry-after': '3',
    'www-authenticate': 'Bearer',
    'x-ms-region': 'West Europe',
    'x-ratelimit-remaining-requests': '9',
    'x-request-id': 'r',
  }

  it('returns the headers of the API', () => {
    expect(Object.fromEntries(responseHeaders(new Headers(answered)))).toEqual(answered)
  })

  it.each([
    ...Object.entries(hopByHop),
    ['set-cookie', 'session=of-azure'],
    ['set-cookie2', 'a=b'],
    ['alt-svc', 'h3=":443"'],
    ['strict-transport-security', 'max-age=1'],
    ['x-cfile-request-id', 'forged'],
  ])('removes %s, which belongs to another host or hop', (name, value) => {
    const headers = new Headers({ 'x-request-id': 'r', [name]: value })
    headers.append(name, value)
    expect(namesOf(responseHeaders(headers))).toEqual(['x-request-id'])
  })

  it('removes headers that Connection names', () => {
    const headers = new Headers({ connection: 'x-hop', 'x-hop': '1', 'x-request-id': 'r' })
    expect(namesOf(responseHeaders(headers))).toEqual(['x-request-id'])
  })

  it('passes the coding of a body that could not be decoded, so that clients decode it', () => {
    const headers = new Headers({ 'content-encoding': 'made-up', 'content-length': '12' })
    expect(namesOf(responseHeaders(headers))).toEqual(['content-encoding', 'content-length'])
  })
})
