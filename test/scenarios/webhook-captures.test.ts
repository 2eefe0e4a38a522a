/**
 * Many background answers at once, whose webhooks come several times, in any order, to two instances.
 */

import { expect, it } from 'vitest'
import { memoryArchive } from '../../src/archives/memory.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { webHmac } from '../../src/core/links/keys.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { ownerKey } from '../../src/gateway/owners/access.ts'
import type { Upkeep } from '../../src/options.ts'
import { createAuthenticate, createKeyRing } from '../../src/routes/callers/callers.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { testSha256 } from '../archives/contract.ts'
import { citedFiles, json, openHarness, responseRequest } from '../lib/harness.ts'
import { rounds } from '../lib/rounds.ts'
import { showSecret, signDelivery } from '../lib/webhooks.ts'
import { followWork } from '../lib/work.ts'

const seed = rounds(1, Date.now() % 2 ** 31)
const answers = rounds(200, 10_000)
const atATime = 50
const secretBytes = new Uint8Array(32).fill(7)
const secret = showSecret(secretBytes)
const authenticate = createAuthenticate({
  keys: createKeyRing([{ owner: 'ann', key: 'key-of-ann' }], webHmac(new Uint8Array(32))),
})

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function createRandom(state: number): () => number {
  let a = state
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Two instances with one store and one archive before one Azure, which now and then fails. */
function openInstances(random: () => number) {
  let time = 1_790_000_000
  const now = () => time
  const emulator = createEmulator({ now })
  const store = memoryStore({ now })
  const archive = memoryArchive({ createSha256: testSha256, now })
  const { waitUntil, settle } = followWork()
  const upkeeps: Pick<Upkeep, 'run'>[] = []
  /** How often the bytes of each file were read upstream. */
  const reads = new Map<string, number>()
  let isFailing = true
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init)
    const [, id] = /\/files\/(\w+)\/content$/.exec(new URL(request.url).pathname) ?? []
    if (isFailing && random() < 0.05) return new Response('{}', { status: 500 })
    if (id !== undefined) reads.set(id, (reads.get(id) ?? 0) + 1)
    return emulator.fetch(request)
  }
  const instances = [1, 2].map(() =>
    openHarness({
      now,
      store,
      archive,
      authenticate,
      webhooks: { secrets: [secret], owner: 'ann' },
      upstreams: [{ endpoint: 'http://emulator.localhost', credential: apiKey('a-key'), fetch }],
      schedule: (upkeep) => void upkeeps.push(upkeep),
      waitUntil,
    }),
  )
  return {
    emulator,
    store,
    archive,
    instances,
    reads,
    settle,
    now,
    /** Ends the failures, and lets everything that is due again be done. */
    async recover() {
      isFailing = false
      for (let round = 0; round < 6; round += 1) {
        time += 60
        for (const upkeep of upkeeps) await upkeep.run()
        await settle()
      }
    },
  }
}

function shuffle<T>(values: T[], random: () => number): T[] {
  for (let index = values.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1))
    const [one, another] = [values[index], values[other]]
    if (one !== undefined && another !== undefined) {
      values[index] = another
      values[other] = one
    }
  }
  return values
}

it(`captures ${answers} answers by webhooks that come repeatedly and in any order, each file once`, async () => {
  const random = createRandom(seed)
  const { emulator, store, archive, instances, reads, settle, recover, now } = openInstances(random)
  const files = new Set<string>()
  const deliveries: { readonly id: string; readonly response: string }[] = []
  for (let index = 0; index < answers; index += 1) {
    const request = json(responseRequest('Save the numbers as a CSV.'))
    const answer = await (await emulator.request('/openai/v1/responses', request)).json()
    for (const { file_id } of citedFiles(answer)) files.add(file_id)
    const { id: response } = answer as { id: string }
    const times = 1 + Math.floor(random() * 4)
    for (let time = 0; time < times; time += 1) deliveries.push({ id: `evt_${index}`, response })
  }
  expect(files.size).toBeGreaterThanOrEqual(answers)

  const began = Date.now()
  const waiting = shuffle([...deliveries], random)
  const deliver = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const instance = instances[random() < 0.5 ? 0 : 1]
      const init = await signDelivery(secretBytes, { ...next, at: now() })
      expect((await instance?.ask('/webhooks', init))?.status).toBe(200)
    }
  }
  await Promise.all(Array.from({ length: atATime }, deliver))
  await settle()
  await recover()
  const seconds = (Date.now() - began) / 1000

  const owner = await ownerKey('ann')
  const recorded: string[] = []
  for (let after = ''; ; ) {
    const page = await store.list('file/', { after, limit: 1000 })
    recorded.push(...page.map(({ key }) => key))
    after = page.at(-1)?.key ?? ''
    if (page.length < 1000) break
  }
  expect(recorded).toEqual([...files].map((id) => `file/${id}/${owner}`).sort())
  const copies: string[] = []
  for await (const { key } of archive.list()) copies.push(key)
  expect(copies.sort()).toEqual([...files].map((id) => `${owner}/${id}`).sort())
  const readTwice = [...reads].filter(([, times]) => times > 1)
  expect(readTwice).toEqual([])
  expect(await store.list('webhook-work/')).toEqual([])
  expect(await store.list('copy/')).toEqual([])
  let captured = 0
  for (const { ask } of instances) {
    const text = await (await ask('/metrics')).text()
    captured += Number(/^cfile_captured_files_total (\d+)$/m.exec(text)?.[1])
  }
  expect(captured).toBe(files.size)
  process.stdout.write(
    `Seed ${seed}: ${answers} answers, ${deliveries.length} deliveries, ${files.size} files in ${seconds.toFixed(1)} s.\n`,
  )
})
