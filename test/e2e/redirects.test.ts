/**
 * No key follows a redirect on Bun and Deno, whose `fetch` is neither Node's nor workerd's.
 */

import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { describeWith, root } from './engines.ts'
import { start } from './programs.ts'

const seen: IncomingHttpHeaders[] = []
const strangers: string[] = []
const upstream = createServer((request, response) => {
  seen.push(request.headers)
  const url = new URL(request.url ?? '', 'http://localhost')
  if (url.pathname !== '/openai/v1/models') strangers.push(`${request.url}`)
  const { status = '302', location = '' } = Object.fromEntries(url.searchParams)
  response.writeHead(Number(status), { location }).end()
})
const stranger = createServer((request, response) => {
  strangers.push(JSON.stringify(request.headers))
  response.end('{}')
})
const originOf = (server: typeof upstream) =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`

beforeAll(async () => {
  for (const server of [upstream, stranger]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  }
})
beforeEach(() => {
  seen.length = 0
  strangers.length = 0
})
afterAll(() => {
  upstream.close()
  stranger.close()
})

const client = join(root, 'test/e2e/redirect-client.ts')
const runtimes = {
  bun: ['run', client],
  deno: ['run', '--no-check', '--allow-all', '--cached-only', client],
}

for (const name of ['bun', 'deno'] as const) {
  describeWith([name], `a redirect on ${name}`, (runtime) => {
    it('sends neither a key nor a token to the target', async () => {
      const queries = [301, 302, 303, 307, 308].flatMap((status) =>
        [upstream, stranger].map((server) => {
          const location = `${originOf(server)}/openai/v1/elsewhere`
          return new URLSearchParams({ status: String(status), location }).toString()
        }),
      )
      const args = [...runtimes[name], originOf(upstream), JSON.stringify(queries)]
      const program = start(runtime, args)
      const code = await new Promise((resolve) => program.child.once('close', resolve))
      expect(code, program.output()).toBe(0)
      // A GET and a POST with each credential.
      const each = queries.length * 2
      expect(JSON.parse(program.output())).toEqual(Array(2 * each).fill('upstream_invalid'))
      // Each was sent with its credential, or the rest would prove nothing.
      const sentWith = (header: string, value: string) =>
        seen.filter((headers) => headers[header] === value).length
      expect(sentWith('api-key', 'a-secret-key')).toBe(each)
      expect(sentWith('authorization', 'Bearer a-secret-token')).toBe(each)
      expect(strangers).toEqual([])
    })
  })
}
