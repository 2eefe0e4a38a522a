import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, it } from 'vitest'
import { denoCarrier } from '../../../src/core/bytes/carrier.ts'
import { type OpenedBody, readTransfer } from '../../../src/core/bytes/resume.ts'
import { webRuntime } from '../../../src/runtime.ts'

const content = Uint8Array.from({ length: 3000 }, (_, at) => at % 251)
const idleMs = 200

/** Sends an answer, or a part of it. */
type Answer = (response: ServerResponse) => void

const whole: Answer = (response) => void response.end(content)
const cut: Answer = (response) =>
  void response.write(content.subarray(0, 1000), () => response.destroy())
const silent: Answer = (response) => void response.write(content.subarray(0, 1000))

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** Reads a small file in the way of Deno from a server that gives these answers, one for each request. */
async function readFrom(answers: readonly Answer[], signal = new AbortController().signal) {
  const left = [...answers]
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': content.length }).flushHeaders()
    left.shift()?.(response)
  })
  ends.push(
    () => server.closeAllConnections(),
    () => void server.close(),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const open = async (): Promise<OpenedBody> => ({
    answer: await fetch(`http://127.0.0.1:${port}/`, { signal }),
    at: 0,
  })
  const { wait } = webRuntime
  const { read } = denoCarrier(Date.now)({ wait, idleMs })
  const end = content.length
  const bytes = readTransfer(
    { opened: await open(), reopen: open, start: 0, end, size: end, most: 1e6 },
    { wait, idleMs, random: () => 0, signal, read },
  )
  const pieces: Uint8Array[] = []
  for (let piece = await bytes.read(); piece !== undefined; piece = await bytes.read()) {
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

it('delivers a small file whole on Deno if the upstream breaks off or falls silent once', async () => {
  for (const answers of [[whole], [cut, whole], [silent, whole]]) {
    expect(await readFrom(answers)).toEqual(Buffer.from(content))
  }
})

it('ends the download of a small file on Deno if the upstream falls silent twice', async () => {
  await expect(readFrom([silent, silent])).rejects.toMatchObject({ name: 'TimeoutError' })
})

it('ends the read of a small file on Deno when the client leaves', async () => {
  const client = new AbortController()
  const reading = readFrom([silent], client.signal)
  setTimeout(() => client.abort(), 50)
  await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
})

it('reads in pieces what the runtime unpacks, since a few kilobytes may become gigabytes', async () => {
  const packed = gzipSync(new Uint8Array(20 * 1024 ** 2))
  expect(packed.length).toBeLessThan(64 * 1024)
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': packed.length, 'content-encoding': 'gzip' })
    response.end(packed)
  })
  ends.push(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const { read } = denoCarrier(Date.now)({ wait: webRuntime.wait, idleMs })
  const bytes = read(await fetch(`http://127.0.0.1:${port}/`))
  expect((await bytes.read())?.byteLength).toBeLessThanOrEqual(1024 ** 2)
  await bytes.cancel()
})
