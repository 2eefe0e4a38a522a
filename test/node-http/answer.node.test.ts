import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { expect, it } from 'vitest'

it('answers whole where the host put another Response in place of Node’s before cfile was loaded', async () => {
  const native = globalThis.Response
  let answer: Response | undefined
  // What @hono/node-server does to the globals when it serves.
  const listener = getRequestListener(() => answer as Response, { overrideGlobalObjects: true })
  expect(globalThis.Response).not.toBe(native)
  const { createNodeCarrier } = await import('../../src/node-http/answer.ts')
  const pieces = [new TextEncoder().encode('hello')]
  const headers = { 'content-type': 'text/csv', 'content-length': '5' }
  answer = createNodeCarrier({ wait: async () => {}, idleMs: 60_000 }).answer(
    { read: async () => pieces.shift(), cancel: async () => {} },
    { headers },
  )
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const got = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  expect([got.headers.get('content-type'), await got.text()]).toEqual(['text/csv', 'hello'])
  server.close()
  globalThis.Response = native
})
