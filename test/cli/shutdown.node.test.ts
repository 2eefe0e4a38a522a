/**
 * A server that gets SIGTERM while clients download loses none of their bytes.
 */

import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Child, isOpen, patient, startServer } from '../lib/child.ts'

declare const __LONG__: boolean
const [most, times] = __LONG__ ? [150, 20] : [30, 1]

/** The size in KB of the file of which the upstream sends the beginning only. */
const silent = 99_999
let azure: Server
const children: Child[] = []

beforeAll(async () => {
  azure = createServer((req, res) => {
    const [, kilobytes, content] = /cfile_(\d+)(\/content)?/.exec(req.url ?? '') ?? []
    const bytes = Number(kilobytes) * 1000
    if (content === undefined) {
      const id = `cfile_${kilobytes}`
      res.setHeader('content-type', 'application/json')
      res.end(JSON.stringify({ id, bytes, path: '/mnt/data/a.bin', source: 'assistant' }))
    } else {
      res.setHeader('content-length', bytes)
      if (Number(kilobytes) === silent) res.write(Buffer.alloc(1000))
      else res.end(Buffer.alloc(bytes))
    }
  })
  await new Promise<void>((resolve) => azure.listen(0, '127.0.0.1', resolve))
})

afterEach(() => Promise.all(children.splice(0).map((child) => child.stop())))
afterAll(() => {
  azure.closeAllConnections()
  azure.close()
})

async function open(env: Record<string, string> = {}): Promise<Child> {
  const child = await startServer({
    AZURE_OPENAI_ENDPOINT: `http://127.0.0.1:${(azure.address() as AddressInfo).port}`,
    AZURE_OPENAI_API_KEY: 'a-key',
    CFILE_STORE: 'memory:',
    LOG_LEVEL: 'warn',
    ...env,
  })
  children.push(child)
  return child
}

const pathOf = (kilobytes: number) => `/containers/cntr_abc/files/cfile_${kilobytes}`

/** A client that asks for a file and takes its first bytes only, until it continues on request. */
interface Download {
  /** Reads to the end; resolves to whether all bytes came. */
  finish(): Promise<boolean>
}

async function beginDownload({ url }: Child, kilobytes: number): Promise<Download> {
  const { host, hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  // A connection that breaks shows in the bytes that are missing.
  socket.on('error', () => {})
  socket.write(`GET ${pathOf(kilobytes)} HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
  await new Promise((resolve) => socket.once('readable', resolve).once('close', resolve))
  let head = ''
  let seen = 0
  return {
    finish: () =>
      new Promise((resolve) => {
        socket.on('data', (bytes) => {
          seen += bytes.byteLength
          if (!head.includes('\r\n\r\n')) head += bytes.toString('latin1')
        })
        const end = () => resolve(seen === head.indexOf('\r\n\r\n') + 4 + kilobytes * 1000)
        if (socket.closed) end()
        else socket.on('close', end)
      }),
  }
}

/** Waits until the server has sent what its sockets take. */
async function sendAll({ url }: Child): Promise<void> {
  const inFlight = async () =>
    /^cfile_in_flight\{family="files"\}.*/m.exec(
      await (await fetch(`${url}/metrics`)).text(),
    )?.[0] ?? ''
  let seen = ''
  for (let before = '-'; before !== seen; await sleep(1000)) {
    before = seen
    seen = await inFlight()
  }
}

/** How many bytes the system takes for a client that does not read. */
async function bytesInSockets(): Promise<number> {
  let sent = 0
  const server = createTcpServer((socket) => {
    const fill = (error?: Error | null) => {
      if (error) return
      sent = socket.bytesWritten - socket.writableLength
      socket.write(Buffer.alloc(65_536), fill)
    }
    fill()
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.once('readable', () => {})
  for (let before = -1; before !== sent; await sleep(300)) before = sent
  client.destroy()
  server.close()
  return sent
}

describe('cfile serve after SIGTERM', () => {
  it(`cuts none of ${most} downloads, with any number of bytes left in their sockets`, async () => {
    const held = Math.floor((await bytesInSockets()) / 1000)
    for (let round = 0; round < times; round += 1) {
      const child = await open()
      // Around the size at which an answer has ended, but its last bytes have no room in the sockets.
      const sizes = Array.from({ length: most }, (_, index) => held + index - most / 2)
      const downloads = await Promise.all(sizes.map((size) => beginDownload(child, size)))
      await sendAll(child)
      child.kill()
      await expect.poll(() => isOpen(child), patient).toBe(false)
      const whole = await Promise.all(downloads.map(({ finish }) => finish()))
      expect(whole.filter((isWhole) => !isWhole)).toHaveLength(0)
      expect((await child.ended).code).toBe(0)
    }
  })

  it('answers 503 at /readyz for the delay that is set, before it stops listening', async () => {
    const child = await open({ CFILE_SHUTDOWN_DELAY_MS: '1500' })
    expect((await fetch(`${child.url}/readyz`)).status).toBe(200)
    child.kill()
    await expect.poll(async () => (await fetch(`${child.url}/readyz`)).status, patient).toBe(503)
    const answer = await fetch(child.url + pathOf(100))
    expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close'])
    expect((await answer.arrayBuffer()).byteLength).toBe(100_000)
    expect((await child.ended).code).toBe(0)
  })

  it('cuts the downloads that run past the time limit, and names its setting', async () => {
    const child = await open({ CFILE_SHUTDOWN_TIMEOUT_MS: '1000' })
    const download = await beginDownload(child, silent)
    const started = performance.now()
    child.kill()
    expect(await download.finish()).toBe(false)
    const { code, stderr } = await child.ended
    expect(performance.now() - started).toBeGreaterThan(900)
    expect(code).toBe(0)
    expect(stderr).toContain('CFILE_SHUTDOWN_TIMEOUT_MS')
  })

  it('answers a request on a kept connection while others still download', async () => {
    const child = await open()
    const download = await beginDownload(child, 20_000)
    const { hostname, port, host } = new URL(child.url)
    const socket = connect(Number(port), hostname)
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes.toString()
    })
    // Half of a request is no idle connection.
    socket.write(`GET /healthz HTTP/1.1\r\nhost: ${host}\r\n`)
    await sleep(200)
    child.kill()
    await expect.poll(() => isOpen(child), patient).toBe(false)
    socket.write('\r\n')
    await new Promise((resolve) => socket.once('close', resolve))
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n.*connection: close/is)
    expect(await download.finish()).toBe(true)
    expect((await child.ended).code).toBe(0)
  })
})
