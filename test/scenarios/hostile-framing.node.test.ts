/**
 * Requests that two parsers could frame differently, written to a raw socket. Each has its expected statuses; a second
 * status shows that the bytes behind the first request were read as a request.
 */

import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Running, serve } from '../../src/node.ts'

declare const __LONG__: boolean

const host = 'Host: files.example\r\n'
const get = (path: string, more = '', version = '1.1') =>
  `GET ${path} HTTP/${version}\r\n${host}${more}\r\n`
const next = get('/healthz')
const post = (headers: string, body: string) =>
  `POST /captures HTTP/1.1\r\n${host}Content-Type: application/json\r\n${headers}\r\n${body}`
const chunked = (body: string, coding = 'chunked') =>
  post(`Transfer-Encoding: ${coding}\r\n`, `${body}${next}`)
const sized = (length: string) => post(`Content-Length: ${length}\r\n`, `{}${next}`)
const large = 'x'.repeat(200_000)

/** Refused by the parser: the connection ends, and nothing behind the request is read. */
const refused: Readonly<Record<string, string>> = {
  'a length and chunks': post(
    'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n',
    `0\r\n\r\n${next}`,
  ),
  'chunks and a length': post(
    'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n',
    `0\r\n\r\n${next}`,
  ),
  'two equal lengths': post('Content-Length: 2\r\nContent-Length: 2\r\n', `{}${next}`),
  'two lengths': post('Content-Length: 2\r\nContent-Length: 9\r\n', `{}${next}`),
  'a list of lengths': sized('2, 2'),
  'a length with a sign': sized('+2'),
  'a negative length': sized('-1'),
  'a length in hex': sized('0x2'),
  'a length beyond any number': sized('99999999999999999999999'),
  'an unknown transfer coding': chunked('0\r\n\r\n', 'xchunked'),
  'a coding after chunked': chunked('0\r\n\r\n', 'chunked, identity'),
  'a negative chunk': chunked('-2\r\n{}\r\n0\r\n\r\n'),
  'a chunk size with 0x': chunked('0x2\r\n{}\r\n0\r\n\r\n'),
  'a chunk size beyond any number': chunked('fffffffffffffffff\r\n{}\r\n0\r\n\r\n'),
  'chunks with bare LF': chunked('2\n{}\n0\n\n'),
  'a chunk that is longer than its size': chunked('2\r\n{}x\r\n0\r\n\r\n'),
  'lines with bare LF': `GET /healthz HTTP/1.1\nHost: a\n\n${next}`,
  'a header line with bare LF': `GET /healthz HTTP/1.1\r\nHost: a\nX: y\r\n\r\n${next}`,
  'a header line with bare CR': `GET /healthz HTTP/1.1\r\nHost: a\rX: y\r\n\r\n${next}`,
  'a folded header': get('/healthz', 'X: y\r\n z\r\n') + next,
  'a folded transfer coding': post('Transfer-Encoding:\r\n chunked\r\n', `0\r\n\r\n${next}`),
  'a blank before the colon': post('Content-Length : 2\r\n', `{}${next}`),
  'a blank before the first header': `GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n${next}`,
  'a header without a colon': get('/healthz', 'bad header\r\n') + next,
  'a NUL in a header': get('/healthz', 'X: a\0b\r\n') + next,
  'a NUL in the path': get('/heal\0thz') + next,
  'no host': `GET /healthz HTTP/1.1\r\n\r\n${next}`,
  'the preface of HTTP/2': `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${next}`,
  'a request line of HTTP/0.9': `GET /healthz\r\n\r\n${next}`,
  'an unknown version': get('/healthz', '', '3.7') + next,
  'a TLS handshake': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
}

/** The header block has 16 KB at most. */
const tooLarge: Readonly<Record<string, string>> = {
  'one long header': get('/healthz', `X: ${'a'.repeat(20_000)}\r\n`) + next,
  'a long URL': get(`/healthz?${'a'.repeat(20_000)}`) + next,
  '3,000 headers': get('/healthz', 'a:b\r\n'.repeat(3000)) + next,
  '20,000 headers': get('/healthz', 'a:b\r\n'.repeat(20_000)) + next,
}

/** Well-formed except for the method. The connection ends too. */
const wrongMethods: Readonly<Record<string, string>> = {
  'in lower case': next.replace('GET', 'get') + next,
  'that is unknown': next.replace('GET', 'FOO') + next,
  'that begins like another': next.replace('GET', 'GETS') + next,
  CONNECT: `CONNECT files.example:443 HTTP/1.1\r\n${host}\r\n`,
}

/** Framed clearly, so that the next request is read where it begins. */
const framed: Readonly<Record<string, readonly [bytes: string, ...statuses: number[]]>> = {
  'two requests in one packet': [next + next, 200, 200],
  'a request after an unknown path': [get('/nothing') + next, 404, 200],
  'a request after a body that is too large': [
    post(`Content-Length: ${large.length}\r\n`, large) + next,
    413,
    200,
  ],
  'a request as the body of a GET': [
    get('/healthz', `Content-Length: ${next.length}\r\n`) + next,
    200,
  ],
  'a request after a coded body': [chunked('2\r\n{}\r\n0\r\n\r\n', 'gzip, chunked'), 400, 200],
  'a chunk with an extension': [chunked('2;a=b\r\n{}\r\n0\r\n\r\n'), 400, 200],
  'a host of another server in the URL': [get('http://evil.example/healthz'), 200],
  'two hosts': [get('/healthz', 'host: evil.example\r\n'), 400],
  'two hosts, and an upgrade': [
    get('/healthz', 'Host: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'),
    400,
  ],
  'a host that is no host': [`GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n`, 400],
  'a list of hosts': [`GET /healthz HTTP/1.1\r\nHost: a, b\r\n\r\n`, 400],
  'an asterisk for a path': [`OPTIONS * HTTP/1.1\r\n${host}\r\n`, 400],
  TRACE: [`TRACE /healthz HTTP/1.1\r\n${host}\r\n`, 405],
  'a health check of HTTP/1.0 without a host': ['GET /healthz HTTP/1.0\r\n\r\n', 200],
}

let gateway: Running
beforeAll(async () => {
  gateway = await serve({
    PORT: '0',
    CFILE_STORE: 'memory:',
    LOG_LEVEL: 'silent',
    CFILE_MAX_BODY_BYTES: '100000',
    CFILE_IDLE_TIMEOUT_MS: '1000',
  })
})
afterAll(() => gateway.close())

interface Received {
  readonly statuses: readonly number[]
  /** `code` of the last error. */
  readonly code?: string
  readonly isClosed: boolean
}

/** Sends bytes; waits for the end of the connection, or for `count` answers and a moment longer. */
async function send(bytes: string, count: number, waitMs = 5000): Promise<Received> {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
  let text = ''
  let isClosed = false
  socket.setEncoding('latin1')
  socket.on('data', (data) => {
    text += data
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
  })
  socket.write(bytes, 'latin1')
  const statuses = () => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
  const until = Date.now() + waitMs
  while (!isClosed && statuses().length < count && Date.now() < until) await sleep(10)
  await sleep(50)
  socket.destroy()
  const code = /"code":"(\w+)"[^{}]*\}\}$/.exec(text)?.[1]
  return { statuses: statuses(), isClosed, ...(code !== undefined && { code }) }
}

describe('bytes on the socket', () => {
  it.each(Object.entries(refused))('with %s end the connection with 400', async (_, bytes) => {
    expect(await send(bytes, 2)).toEqual({
      statuses: [400],
      code: 'invalid_request',
      isClosed: true,
    })
  })

  it.each(Object.entries(tooLarge))('with %s end the connection with 431', async (_, bytes) => {
    expect(await send(bytes, 2)).toEqual({
      statuses: [431],
      code: 'invalid_request',
      isClosed: true,
    })
  })

  it.each(Object.entries(wrongMethods))('with a method %s get 405', async (_, bytes) => {
    const received = { statuses: [405], code: 'method_not_allowed', isClosed: true }
    expect(await send(bytes, 2)).toEqual(received)
  })

  it('behind a request do not damage its answer', async () => {
    expect(await send(`${next}FOO`, 2)).toMatchObject({ isClosed: true })
  })

  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
  it.each([
    ['a path of two slashes', get('//', upgrade), 404],
    ['a URL that is none', get('http://[', upgrade), 400],
    ['a host that is none', `GET / HTTP/1.1\r\nHost: a b\r\n${upgrade}\r\n`, 400],
    ['a host that is none and a path', `GET /files HTTP/1.1\r\nHost: [\r\n${upgrade}\r\n`, 400],
  ])('that ask for a WebSocket at %s do not end the process', async (_, bytes, status) => {
    expect(await send(bytes, 1)).toMatchObject({ statuses: [status], isClosed: true })
    expect((await send(next, 1)).statuses).toEqual([200])
  })

  it('of a request that offers an upgrade to HTTP/2 keep their method and body', async () => {
    const offer = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n'
    const received = await send(post(`Content-Length: 2\r\n${offer}`, '{}'), 1)
    // A GET would be 405.
    expect(received).toEqual({ statuses: [400], code: 'invalid_request', isClosed: false })
  })

  it('with a long chunk extension end the connection with 413', async () => {
    const bytes = chunked(`2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`)
    expect(await send(bytes, 2)).toEqual({
      statuses: [413],
      code: 'payload_too_large',
      isClosed: true,
    })
  })

  it.each(Object.entries(framed))(
    'with %s are framed as written',
    async (_, [bytes, ...statuses]) => {
      expect((await send(bytes, statuses.length)).statuses).toEqual(statuses)
    },
  )

  it('that stop in the middle of a body lose their connection after CFILE_IDLE_TIMEOUT_MS', async () => {
    const began = Date.now()
    const received = await send(post('Content-Length: 20\r\n', '{'), 2, 20_000)
    expect(received).toMatchObject({ statuses: [400], isClosed: true })
    expect(Date.now() - began).toBeGreaterThan(900)
  })

  // Node looks for such connections every 30 s.
  it.runIf(__LONG__)(
    'that stop in the middle of the headers lose their connection in two minutes',
    async () => {
      const received = await send('GET /healthz HTTP/1.1\r\nHost: a\r\n', 2, 130_000)
      expect(received).toMatchObject({ statuses: [408], isClosed: true })
    },
  )
})
