/**
 * Clients that take the bytes of a file slowly, and clients that stop taking them.
 */

import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { nodeRuntime } from '../../src/node.ts'
import { citedFiles, json, responseRequest } from '../lib/harness.ts'
import { type Served, serveApp } from '../lib/served.ts'

const idleMs = 600
const size = 24_000_000

interface Line {
  readonly bytes?: number
  readonly outcome?: string
}

async function openGateway(options: { readonly ownTransport: boolean }) {
  const azure = await serveApp(createEmulator())
  const lines: Line[] = []
  const upstreams = [{ endpoint: azure.url, credential: apiKey('a-key') }]
  const app = createApp({
    ...(options.ownTransport ? nodeRuntime() : {}),
    upstreams,
    idleTimeoutMs: idleMs,
    accessLog: true,
    log: (_, message, fields) =>
      void (message.startsWith('GET /files') && lines.push(fields ?? {})),
  })
  const gateway = await serveApp(app)
  onTestFinished(async () => {
    await gateway.close()
    await azure.close()
  })
  const request = json(responseRequest('Save a 24 MB binary file.'))
  const answer = await fetch(`${gateway.url}/openai/v1/responses`, request)
  const path = `/files/${citedFiles(await answer.json())[0]?.file_id}`
  return { gateway, lines, path }
}

/** Asks for a file by hand, so that the kernel's buffers are all that reads ahead. */
function ask({ url }: Served, path: string) {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.pause()
  socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`)
  return socket
}

beforeAll(() => {}, 60_000)

it.each([true, false])(
  'cuts a client off that takes nothing, and says so in the access log (own transport: %s)',
  async (ownTransport) => {
    const { gateway, lines, path } = await openGateway({ ownTransport })
    const socket = ask(gateway, path)
    await expect.poll(() => lines, { timeout: idleMs * 6 }).toHaveLength(1)
    expect(lines[0]?.outcome).toBe('cut_slow')
    expect(lines[0]?.bytes).toBeLessThan(size)
    let received = 0
    for await (const chunk of socket) received += chunk.length
    expect(received).toBeLessThan(size)
  },
)

it('serves a slow client to the end, though the kernel takes its bytes in few large steps', async () => {
  const { gateway, lines, path } = await openGateway({ ownTransport: true })
  const socket = ask(gateway, path)
  let received = 0
  const began = Date.now()
  // At this pace the kernel takes nothing of the gateway for longer than the limit.
  while (Date.now() - began < idleMs * 6) {
    const chunk: Buffer | null = socket.read(100_000) ?? socket.read()
    received += chunk?.length ?? 0
    await sleep(100)
  }
  expect(lines).toEqual([])
  for await (const chunk of socket) {
    received += chunk.length
    if (received > size) break
  }
  await expect.poll(() => lines[0]?.outcome).toBe('done')
})
