/**
 * Counts the calls that one answer and one download make: to the store, to the archive and to Azure.
 *
 * Run it with `node --conditions=@cfile/source bench/costs.ts`. docs/reliability.md has its table.
 */

import { createHash } from 'node:crypto'
import { createApp } from '../src/app.ts'
import { memoryArchive } from '../src/archives/memory.ts'
import { apiKey } from '../src/azure/credentials.ts'
import { createEmulator } from '../src/emulator/emulator.ts'
import { memoryStore } from '../src/stores/memory.ts'

type Kind = 'store' | 'archive' | 'azure'
const counts: Record<Kind, Map<string, number>> = {
  store: new Map(),
  archive: new Map(),
  azure: new Map(),
}

function count(kind: Kind, name: string): void {
  counts[kind].set(name, (counts[kind].get(name) ?? 0) + 1)
}

/** Counts each call of a method. */
function counted<T extends object>(kind: Kind, target: T): T {
  return new Proxy(target, {
    get(object, name) {
      const value = Reflect.get(object, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        count(kind, String(name))
        return value.apply(object, args)
      }
    },
  })
}

const now = () => Math.floor(Date.now() / 1000)
const background = new Set<Promise<unknown>>()

function open(hasArchive: boolean, hasCallers: boolean) {
  const emulator = createEmulator({})
  const createSha256 = () => {
    const hash = createHash('sha256')
    return {
      update: (bytes: Uint8Array) => void hash.update(bytes),
      digest: () => hash.digest('hex'),
    }
  }
  const archive = hasArchive ? counted('archive', memoryArchive({ createSha256, now })) : undefined
  const caller = { owner: 'team', key: 'team', admin: false }
  return createApp({
    publicUrl: 'http://127.0.0.1:8787',
    store: counted('store', memoryStore({ now })),
    archive,
    authenticate: hasCallers ? async () => caller : undefined,
    waitUntil: (work) => {
      background.add(work)
      work.finally(() => background.delete(work)).catch(() => {})
    },
    upstreams: [
      {
        endpoint: 'http://emulator.localhost',
        credential: apiKey('a-secret-key'),
        fetch: async (input, init) => {
          const request = new Request(input, init)
          count('azure', request.method)
          return emulator.fetch(request)
        },
      },
    ],
  })
}

async function settle(): Promise<void> {
  while (background.size > 0) await Promise.allSettled(background)
}

async function measure(what: string, act: () => Promise<Response>): Promise<string> {
  await settle()
  for (const kind of Object.values(counts)) kind.clear()
  const answer = await act()
  const text = await answer.text()
  await settle()
  const cells = Object.values(counts).map((calls) =>
    calls.size === 0 ? '–' : [...calls].map(([name, times]) => `${times} ${name}`).join(', '),
  )
  process.stdout.write(`| ${what} | ${answer.status} | ${cells.join(' | ')} |\n`)
  return text
}

const body = JSON.stringify({
  model: 'gpt-4.1',
  input: 'Save a CSV',
  tools: [{ type: 'code_interpreter', container: { type: 'auto' } }],
})
const asked = { method: 'POST', headers: { 'content-type': 'application/json' }, body }

process.stdout.write(
  '| event | status | store | archive | Azure |\n| --- | --- | --- | --- | --- |\n',
)
for (const [name, hasArchive, hasCallers] of [
  ['', false, false],
  [', with caller auth', false, true],
  [', archive', true, false],
] as const) {
  const app = open(hasArchive, hasCallers)
  const answer = await measure(`an answer that cites one file${name}`, async () =>
    app.request('/openai/v1/responses', asked),
  )
  const [, fileId = ''] = /"file_id": ?"(cfile_\w+)"/.exec(answer) ?? []
  const [, link = ''] = /"download_url": ?"([^"]+)"/.exec(answer) ?? []
  await measure(`a download by id${name}`, async () => app.request(`/files/${fileId}`))
  await measure(`a download by link${name}`, async () => app.request(new URL(link).pathname))
}
