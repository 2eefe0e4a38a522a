/**
 * Header bytes on the wire for hostile names and types, read from a socket without an HTTP parser.
 */

import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { toNodeHandler } from '../../src/node.ts'

/** Name and type of the next file, as the upstream reports them. */
const described = { type: 'text/csv', name: 'a.csv' }

const app = createApp({
  upstreams: [
    {
      endpoint: 'http://emulator.localhost',
      credential: apiKey('a'),
      fetch: async (input) => {
        if (!String(input).includes('/content')) {
          return Response.json({ id: 'cfile_a', path: `/mnt/data/${described.name}`, bytes: 5 })
        }
        // Unchecked, as from an upstream.
        const answer = new Response('a,b\n1')
        const disposition = `attachment; filename="file"; filename*=UTF-8''a.csv`
        const headers = new Map([
          ['content-type', described.type],
          ['content-disposition', disposition],
          ['content-length', '5'],
        ])
        const get = (name: string) => headers.get(name) ?? null
        return Object.create(answer, {
          headers: { value: { get, has: (name: string) => get(name) !== null } },
          body: { value: answer.body },
          status: { value: 200 },
          ok: { value: true },
          type: { value: 'default' },
        })
      },
    },
  ],
})

let server: Server
beforeAll(async () => {
  server = createServer(toNodeHandler(app))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

/** Header lines of an answer, byte for byte. */
function head(path: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    let text = ''
    socket.setEncoding('latin1')
    socket.on('error', reject)
    socket.on('data', (data) => {
      text += data
    })
    socket.on('close', () => resolve((text.split('\r\n\r\n')[0] ?? '').split('\r\n')))
    socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
  })
}

async function capture(filename: string): Promise<string> {
  const id = `cfile_${crypto.randomUUID().replaceAll('-', '')}`
  const annotation = {
    type: 'container_file_citation',
    container_id: 'cntr_a',
    file_id: id,
    filename,
  }
  const content = [{ type: 'output_text', text: '', annotations: [annotation] }]
  const body = JSON.stringify({
    id: 'resp_a',
    object: 'response',
    output: [{ type: 'message', role: 'assistant', content }],
  })
  const headers = { 'content-type': 'application/json' }
  const answer = await app.request('/captures', { method: 'POST', headers, body })
  expect(answer.status).toBe(200)
  return id
}

const allowed = new Set([
  'accept-ranges',
  'cache-control',
  'connection',
  'content-disposition',
  'content-length',
  'content-security-policy',
  'content-type',
  'cross-origin-resource-policy',
  'date',
  'etag',
  'referrer-policy',
  'server-timing',
  'x-content-type-options',
  'x-request-id',
])

/** Headers by name. Fails for an unexpected line and for bytes that headers must not contain. */
function parsed([status, ...lines]: string[]): Map<string, string> {
  expect(status).toBe('HTTP/1.1 200 OK')
  const headers = new Map<string, string>()
  for (const line of lines) {
    expect(line).toMatch(/^[A-Za-z-]+: [\x20-\x7e]*$/)
    const [name = '', value = ''] = line.split(/: (.*)/)
    expect(allowed, line).toContain(name.toLowerCase())
    expect(headers.has(name.toLowerCase()), line).toBe(false)
    headers.set(name.toLowerCase(), value)
  }
  return headers
}

const long = 'x'.repeat(300)
const names: [name: string, ascii: string, extended: string][] = [
  ['a\r\nSet-Cookie: x=1.csv', 'a__Set-Cookie: x=1.csv', 'a__Set-Cookie%3A%20x%3D1.csv'],
  ['a\r\n\r\n<script>.csv', 'a____<script>.csv', 'a____%3Cscript%3E.csv'],
  ['say "hi".csv', 'say _hi_.csv', 'say%20%22hi%22.csv'],
  ['back\\slash.csv', 'back_slash.csv', 'back_slash.csv'],
  ['semi;colon=1.csv', 'semi;colon=1.csv', 'semi%3Bcolon%3D1.csv'],
  ['100%.csv', '100_.csv', '100%25.csv'],
  ['%0d%0aX: y.csv', '_0d_0aX: y.csv', '%250d%250aX%3A%20y.csv'],
  ['nul\0.csv', 'nul_.csv', 'nul_.csv'],
  ['\u202egpj.exe', '_gpj.exe', '_gpj.exe'],
  ['\u200e\u200f\u2066\u2069.csv', '____.csv', '____.csv'],
  ['😀.csv', '_.csv', '%F0%9F%98%80.csv'],
  ['图表.csv', '__.csv', '%E5%9B%BE%E8%A1%A8.csv'],
  [`${long}.csv`, `${long}.csv`, `${long}.csv`],
  ['..\\..\\evil.csv', '.._.._evil.csv', '.._.._evil.csv'],
  ['../../evil.csv', '.._.._evil.csv', '.._.._evil.csv'],
  ['..', '__', '__'],
  ['CON', 'CON', 'CON'],
  ['.htaccess', '.htaccess', '.htaccess'],
  ["it's (1)*.csv", "it's (1)*.csv", 'it%27s%20%281%29%2A.csv'],
  ['\x7f\x9f.csv', '__.csv', '__.csv'],
]

describe('a hostile name', () => {
  it.each(names)(
    '%j is sent in one header and keeps its extension',
    async (name, ascii, extended) => {
      const headers = parsed(await head(`/files/${await capture(name)}`))
      expect(headers.get('content-disposition')).toBe(
        `attachment; filename="${ascii}"; filename*=UTF-8''${extended}`,
      )
    },
  )
})

const types: [type: string, sent: string][] = [
  ['text/html', 'text/html'],
  ['TEXT/HTML', 'TEXT/HTML'],
  ['text/html;charset', 'text/plain; charset=utf-8'],
  ['application/xhtml+xml', 'application/xhtml+xml'],
  ['image/svg+xml', 'image/svg+xml'],
  ['text/xml', 'text/xml'],
  ['application/xslt+xml', 'application/xslt+xml'],
  ['multipart/related', 'multipart/related'],
  ['message/rfc822', 'message/rfc822'],
  ['text/javascript', 'text/javascript'],
  ['application/wasm', 'application/wasm'],
  ['application/octet-stream', 'text/plain; charset=utf-8'],
  ['text/html\r\nx-evil: 1', 'text/plain; charset=utf-8'],
  ['text/plain, text/html', 'text/plain; charset=utf-8'],
  ['', 'text/plain; charset=utf-8'],
  ['text/html; a="\r\n"', 'text/plain; charset=utf-8'],
  ['*/*', '*/*'],
]

describe('a hostile type', () => {
  it.each(types)('%j never runs and adds no header', async (type, sent) => {
    described.type = type
    const id = await capture('a.csv')
    const headers = parsed(await head(`/files/${id}?disposition=inline`))
    expect(headers.get('content-type')).toBe(sent)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; sandbox/)
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    const isInline = sent.startsWith('text/plain')
    expect(headers.get('content-disposition')).toMatch(isInline ? /^inline/ : /^attachment/)
  })
})
