/**
 * Random downloads through a proxy with faults: each is complete and correct, or visibly broken.
 */

import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Server as NetServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiKey } from '../../src/azure/credentials.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { nodeRuntime, toNodeHandler } from '../../src/node.ts'
import type { AppOptions } from '../../src/options.ts'
import { createFaultProxy, type ProxyFault } from '../lib/fault-proxy.ts'
import { type CitedFile, openHarness } from '../lib/harness.ts'
import { xorshift } from '../lib/random.ts'
import { rounds } from '../lib/rounds.ts'
import { serveApp } from '../lib/served.ts'

const emulator = createEmulator({})
const server = createServer(toNodeHandler(emulator))
const random = xorshift(20_261_125)
// Number of the request within a download, by file. The first one always gets the true facts of the file.
const requestCounts = new Map<string, number>()
const faults = new Map<ProxyFault['kind'], number>()
const proxy = createFaultProxy(
  () => portOf(server),
  (fileId) => {
    const count = requestCounts.get(fileId) ?? 0
    requestCounts.set(fileId, count + 1)
    const kind = pickKind(count === 0)
    faults.set(kind, (faults.get(kind) ?? 0) + 1)
    return { kind, at: random() }
  },
)

function pickKind(isFirst: boolean): ProxyFault['kind'] {
  const kinds: ProxyFault['kind'][] = isFirst
    ? ['pass', 'cut', 'cut', 'cut', 'reset', 'reset', 'stall', 'longer', 'shorter']
    : [
        'pass',
        'pass',
        'pass',
        'pass',
        'cut',
        'reset',
        'stall',
        'other',
        'elsewhere',
        'longer',
        'shorter',
      ]
  return kinds[Math.floor(random() * kinds.length)] ?? 'pass'
}

beforeAll(() => Promise.all([listen(server), listen(proxy)]))
afterAll(() => {
  server.closeAllConnections()
  server.close()
  proxy.close()
})

interface Original extends CitedFile {
  readonly bytes: number
  readonly hashes: readonly string[]
}

const lanes = 8

/** With web streams, and with Node's own carrier. */
const transports: [string, Partial<AppOptions>][] = [
  ['web streams', {}],
  ['sockets', nodeRuntime()],
]

describe.each(transports)('a download through a network with faults, over %s', (_, transport) => {
  it('is complete and correct, or visibly broken', { timeout: 1_800_000 }, async () => {
    const gateway = openHarness({
      ...transport,
      idleTimeoutMs: 80,
      now: () => Math.floor(Date.now() / 1000),
      upstreams: [
        {
          endpoint: `http://127.0.0.1:${portOf(proxy)}`,
          credential: apiKey('a-secret-key'),
        },
      ],
    })
    const served = await serveApp(gateway.app)
    const count = { whole: 0, broken: 0, refused: 0, wrong: 0 }
    const total = rounds(200)
    let begun = 0

    /** One file at a time, so that the proxy can count the requests of a download. */
    async function runLane(files: readonly Original[]): Promise<void> {
      while (begun < total) {
        begun += 1
        const file = files[Math.floor(random() * files.length)]
        if (file !== undefined) count[await download(file)] += 1
      }
    }

    async function download(file: Original): Promise<keyof typeof count> {
      requestCounts.set(file.file_id, 0)
      const hash = createHash('sha256')
      let bytes = 0
      try {
        // The headers go out with the first bytes, so they can break too.
        const answer = await fetch(`${served.url}/files/${file.file_id}`)
        if (answer.status !== 200) return 'refused'
        for await (const piece of answer.body ?? []) {
          hash.update(piece)
          bytes += piece.byteLength
        }
      } catch {
        return 'broken'
      }
      const isRight = bytes === file.bytes && file.hashes.includes(hash.digest('hex'))
      return isRight ? 'whole' : 'wrong'
    }

    const perLane = await Promise.all(Array.from({ length: lanes }, () => makeFiles(gateway, 6)))
    await Promise.all(perLane.map(runLane))
    await served.close()
    process.stdout.write(
      `${total} downloads: ${JSON.stringify(count)}; answers: ${JSON.stringify(Object.fromEntries(faults))}\n`,
    )
    expect(count.wrong).toBe(0)
    expect(count.whole).toBeGreaterThan(total * 0.4)
    expect(count.whole + count.broken + count.refused).toBe(total)
  })
})

/** Files of 1 byte to 5 MB, log-uniform. The upstream supports ranges for every second file. */
async function makeFiles(
  gateway: ReturnType<typeof openHarness>,
  many: number,
): Promise<Original[]> {
  const files: Original[] = []
  for (let n = 0; n < many; n++) {
    const bytes = Math.ceil(Math.exp(random() * Math.log(5e6)))
    const [file] = await gateway.respond(`Save a ${bytes} bytes binary file.`)
    if (file === undefined) throw new Error('nothing was cited')
    const path = `/openai/v1/containers/${file.container_id}/files/${file.file_id}`
    const content = await emulator.request(`${path}/content`)
    const whole = new Uint8Array(await content.arrayBuffer())
    const other = whole.map((byte) => byte ^ 1)
    // From here on its length is recorded, as after any download or list.
    await gateway.ask(`/files/${file.file_id}`, { method: 'HEAD' })
    if (n % 2 === 0) {
      const fault = { match: { path: `${path}/content` }, range: true, times: 1e9 }
      await emulator.request('/emulator/faults', { method: 'POST', body: JSON.stringify(fault) })
    }
    const hashes = [whole, other].map((data) => createHash('sha256').update(data).digest('hex'))
    files.push({ ...file, bytes, hashes })
  }
  return files
}

function listen(server: Server | NetServer): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
}

function portOf(server: Server | NetServer): number {
  return (server.address() as AddressInfo).port
}
