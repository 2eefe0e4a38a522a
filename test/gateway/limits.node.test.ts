import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { toNodeHandler } from '../../src/node.ts'
import { openCallers } from '../lib/callers.ts'

it('closes the connection of a client that reads nothing, and serves the next one', async () => {
  const gateway = openCallers({ maxDownloads: 1, idleTimeoutMs: 100 })
  const { file } = await gateway.as('ann').answer('Save a 40 MB binary file.')
  const server = createServer(toNodeHandler(gateway.app))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const path = `/files/${file.file_id}`
  const headers = { authorization: 'Bearer key-of-ann' }
  const answer = await new Promise<IncomingMessage>((resolve) => {
    get({ port, path, headers, agent: false }, resolve)
  })
  expect(answer.statusCode).toBe(200)
  // The test reads no byte of the body until the connection is closed.
  answer.pause()
  expect((await gateway.as('ann').ask(path)).status).toBe(429)
  await new Promise((resolve) => setTimeout(resolve, 600))
  expect(await new Promise((resolve) => server.getConnections((_, open) => resolve(open)))).toBe(0)
  const isWhole = await new Promise((resolve) => {
    answer.on('error', () => resolve(false))
    answer.on('end', () => resolve(answer.complete))
    answer.resume()
  })
  expect(isWhole).toBe(false)
  const next = await gateway.as('ann').ask(path)
  expect(next.status).toBe(200)
  await next.body?.cancel()
  server.closeAllConnections()
  server.close()
})
