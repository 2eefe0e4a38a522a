/**
 * Downloads with real programs over real connections.
 */

import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer, get, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toNodeHandler } from '../../src/node.ts'
import { openHarness } from '../lib/harness.ts'

const run = promisify(execFile)
const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
)

const gateway = openHarness()
let server: Server
let folder = ''
let url = ''
let bytes = new Uint8Array()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cfile-resume-'))
  server = createServer(toNodeHandler(gateway.app))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const [file] = await gateway.respond('Save a 4 MB binary file.')
  if (file === undefined) throw new Error('nothing was cited')
  const path = `/containers/${file.container_id}/files/${file.file_id}/content`
  bytes = new Uint8Array(await (await gateway.upstream(path)).arrayBuffer())
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/files/${file.file_id}`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await rm(folder, { recursive: true })
})

const hash = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')

describe('curl', () => {
  it.skipIf(!hasCurl)('resumes after it was killed, with the right SHA-256', async () => {
    const path = join(folder, 'a.bin')
    await gateway.fault({ match: { path: '/content' }, stall_after: 2_000_000 })
    const first = spawn('curl', ['-s', '-o', path, url])
    const size = () =>
      stat(path).then(
        (found) => found.size,
        () => 0,
      )
    while ((await size()) < 100_000) await sleep(10)
    first.kill('SIGKILL')
    await new Promise((resolve) => first.once('close', resolve))
    expect(await size()).toBeLessThan(bytes.byteLength)
    await run('curl', ['-s', '-S', '--fail', '-C', '-', '-o', path, url])
    expect(hash(await readFile(path))).toBe(hash(bytes))
  })

  it.skipIf(!hasCurl)('fails when the upstream breaks for good', async () => {
    const fault = { match: { path: '/content' }, cut_after: 1_000_000, times: 6 }
    await gateway.fault(fault)
    const path = join(folder, 'b.bin')
    await expect(run('curl', ['-s', '-o', path, url])).rejects.toMatchObject({ code: 18 })
    expect((await readFile(path)).byteLength).toBeLessThan(bytes.byteLength)
  })
})

describe('a client that disconnects', () => {
  it('aborts the request upstream', async () => {
    let sent = 0
    let isStopped = false
    const chunk = new Uint8Array(65_536)
    const endless = openHarness({
      upstreams: [
        {
          endpoint: 'http://emulator.localhost',
          credential: { kind: 'test', authorize: async () => ({ name: 'api-key', value: 'a' }) },
          fetch: async (url) => {
            // The description has no body that could be cancelled too.
            if (!String(url).endsWith('/content')) return Response.json({}, { status: 404 })
            return new Response(
              new ReadableStream({
                pull(controller) {
                  sent += 1
                  controller.enqueue(chunk)
                },
                cancel() {
                  isStopped = true
                },
              }),
              { headers: { 'content-length': '1000000000' } },
            )
          },
        },
      ],
    })
    const other = createServer(toNodeHandler(endless.app))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const request = get({ port, path: '/files/cfile_a?container_id=cntr_a' }, (answer) => {
      answer.once('data', () => request.destroy())
    })
    request.on('error', () => {})
    while (!isStopped) await sleep(5)
    const then = sent
    await sleep(50)
    expect(sent).toBe(then)
    expect(sent).toBeLessThan(10_000)
    other.closeAllConnections()
    other.close()
  })
})
