/** The same test in workerd, whose `fetch` differs from Node's: two origins on sockets, and a Worker in between. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const strangers: string[] = []
const upstream = createServer((request, response) => {
  const { status = '302', location = '' } = Object.fromEntries(
    new URL(request.url ?? '', 'http://localhost').searchParams,
  )
  response.writeHead(Number(status), { location }).end()
})
const stranger = createServer((request, response) => {
  strangers.push(JSON.stringify(request.headers))
  response.end('{}')
})
const originOf = (server: typeof upstream) =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const source = `
import { apiKey, createAzureClient, tokenCredential } from './src/index.ts'
const credentials = { key: apiKey('a-secret'), token: tokenCredential(async () => 'a-secret') }
export default {
  async fetch(request) {
    const { endpoint, kind, query } = await request.json()
    const client = createAzureClient({ endpoint, credential: credentials[kind] })
    const outcome = await client.request({ method: 'GET', path: '/models', query })
      .then(({ status }) => status, (error) => error.code)
    return Response.json(outcome)
  }
}`
let worker: Miniflare

beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: fileURLToPath(new URL('../..', import.meta.url)) },
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'silent',
  })
  const script = outputFiles[0]?.text ?? ''
  worker = new Miniflare(
    convertV4MiniflareOptions({ script, modules: true, compatibilityDate: '2026-10-01' }),
  )
  for (const server of [upstream, stranger]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  }
})
afterAll(async () => {
  await worker.dispose()
  upstream.close()
  stranger.close()
})

const cases = [301, 302, 303, 307, 308].flatMap((status) =>
  ['same', 'other'].flatMap((origin) => ['key', 'token'].map((kind) => ({ status, origin, kind }))),
)

describe('a redirect in workerd', () => {
  it.each(cases)(
    'with $status to the $origin origin does not receive the $kind',
    async ({ status, origin, kind }) => {
      const endpoint = originOf(upstream)
      const location = `${origin === 'other' ? originOf(stranger) : endpoint}/openai/v1/elsewhere`
      const query = new URLSearchParams({ status: String(status), location }).toString()
      const answer = await worker.dispatchFetch('http://worker.localhost', {
        method: 'POST',
        body: JSON.stringify({ endpoint, kind, query }),
      })
      expect(await answer.json()).toBe('upstream_invalid')
      expect(strangers).toEqual([])
    },
  )
})
