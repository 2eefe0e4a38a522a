/** A key must not follow a redirect to another party. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiKey, type Credential, createAzureClient, tokenCredential } from '../../src/index.ts'

const seen = { upstream: [] as string[], stranger: [] as string[] }
let location = ''
let status = 302

const upstream = createServer((request, response) => {
  seen.upstream.push(request.url ?? '')
  response.writeHead(status, { location }).end()
})
const stranger = createServer((request, response) => {
  seen.stranger.push(JSON.stringify(request.headers))
  response.end('{}')
})
const originOf = (server: typeof upstream) =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`

beforeAll(async () => {
  for (const server of [upstream, stranger]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  }
})
afterAll(() => {
  upstream.close()
  stranger.close()
})

const credentials: Record<string, Credential> = {
  'a key': apiKey('a-secret-key'),
  'a token': tokenCredential(async () => 'a-secret-token'),
}
const cases = [301, 302, 303, 307, 308].flatMap((code) =>
  ['the same', 'another'].flatMap((origin) =>
    Object.keys(credentials).map((kind) => ({ code, origin, kind })),
  ),
)

describe('a redirect', () => {
  it.each(cases)(
    'with $code to $origin origin does not receive $kind',
    async ({ code, origin, kind }) => {
      seen.upstream.length = 0
      status = code
      const to = origin === 'another' ? originOf(stranger) : originOf(upstream)
      location = `${to}/openai/v1/elsewhere`
      const credential = credentials[kind] as Credential
      const client = createAzureClient({ endpoint: originOf(upstream), credential })
      for (const method of ['GET', 'POST']) {
        await expect(client.request({ method, path: '/models' })).rejects.toMatchObject({
          code: 'upstream_invalid',
          status: 502,
          details: { upstream: { status: code } },
        })
      }
      expect(seen.upstream).toEqual(['/openai/v1/models', '/openai/v1/models'])
      expect(seen.stranger).toEqual([])
    },
  )
})
