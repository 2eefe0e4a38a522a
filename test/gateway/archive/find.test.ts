import { describe, expect, it } from 'vitest'
import type { Archive, ArchivedFile } from '../../../src/archives/archive.ts'
import { verifyBody } from '../../../src/archives/lib/verify.ts'
import { memoryArchive } from '../../../src/archives/memory.ts'
import { apiKey } from '../../../src/azure/credentials.ts'
import { CfileError } from '../../../src/core/errors.ts'
import type { WaitSignal } from '../../../src/core/time.ts'
import { ownerKey } from '../../../src/gateway/owners/access.ts'
import type { AppOptions } from '../../../src/options.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import type { Store } from '../../../src/stores/store.ts'
import { testSha256 } from '../../archives/contract.ts'
import { openArchived as open } from '../../lib/archived.ts'
import { errorCode, json, pathOf, sha256 } from '../../lib/harness.ts'

const now = () => 1_790_000_000

interface Ready {
  readonly archive: string
}

function freshArchive(): Archive {
  return memoryArchive({ createSha256: testSha256, now })
}

async function bytesOf(response: Response): Promise<string> {
  expect(response.status).toBe(200)
  return sha256(await response.arrayBuffer())
}

const contents = (requests: { path: string }[]) =>
  requests.filter(({ path }) => path.endsWith('/content'))

describe('a file that an answer cited', () => {
  it('can be downloaded, whole and in ranges, after its container has expired', async () => {
    const gateway = open()
    const [file] = await gateway.respond('Plot it and write a CSV')
    const path = `/files/${file?.file_id}`
    const before = await gateway.ask(path)
    const headers = Object.fromEntries(before.headers)
    const hash = await bytesOf(before)
    await gateway.settled()
    gateway.advance(2 * 3600)
    const after = await gateway.ask(path)
    expect(after.headers.get('etag')).toBe(headers.etag)
    expect(after.headers.get('content-disposition')).toBe(headers['content-disposition'])
    expect(after.headers.get('content-type')).toBe(headers['content-type'])
    expect(await bytesOf(after)).toBe(hash)
    const part = await gateway.ask(path, { headers: { range: 'bytes=3-9' } })
    expect(part.status).toBe(206)
    expect((await part.arrayBuffer()).byteLength).toBe(7)
    const head = await gateway.ask(path, { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe(headers['content-length'])
  })

  it('is lost with its container without an archive, and the error says how to keep copies', async () => {
    const gateway = open({ archive: undefined })
    const [file] = await gateway.respond('Write a CSV')
    gateway.advance(2 * 3600)
    const gone = await gateway.ask(`/files/${file?.file_id}`)
    expect(gone.status).toBe(410)
    expect(await gone.text()).toContain('CFILE_ARCHIVE')
  })

  it('is fetched from Azure once, with any number of citations and downloads', async () => {
    const gateway = open()
    const [file] = await gateway.respond('Write a CSV')
    await gateway.settled()
    await gateway.ask('/captures', json({ output: citing(file) }))
    await gateway.settled()
    for (let times = 0; times < 3; times += 1)
      await bytesOf(await gateway.ask(`/files/${file?.file_id}`))
    expect(contents(await gateway.requests())).toHaveLength(1)
  })
})

describe('an expired container', () => {
  it('still has its list, zip and paths for the files that were copied', async () => {
    const gateway = open()
    const files = await gateway.respond('Plot it and write a CSV')
    await gateway.settled()
    gateway.advance(2 * 3600)
    const container = `/containers/${files[0]?.container_id}`
    const listed = (await (await gateway.ask(`${container}/files`)).json()) as {
      files: { file_id: string; bytes: number; path: string }[]
    }
    expect(listed.files.map(({ file_id }) => file_id).toSorted()).toEqual(
      files.map(({ file_id }) => file_id).toSorted(),
    )
    for (const { bytes } of listed.files) expect(bytes).toBeGreaterThan(0)
    const csv = files.find(({ filename }) => filename.endsWith('.csv'))
    const [path, id] = await Promise.all(
      [`${container}/path/${csv?.filename}`, `/files/${csv?.file_id}`].map(async (url) =>
        bytesOf(await gateway.ask(url)),
      ),
    )
    expect(path).toBe(id)
  })

  it('is reported as expired for the path and for the id of a file without a copy', async () => {
    const gateway = open({ archiveMode: 'lazy' })
    const [copied, other] = await gateway.respond('one.csv and two.txt')
    await bytesOf(await gateway.ask(`/files/${copied?.file_id}`))
    await gateway.settled()
    gateway.advance(2 * 3600)
    const container = `/containers/${copied?.container_id}`
    await bytesOf(await gateway.ask(`${container}/path/${copied?.filename}`))
    for (const path of [`/files/${other?.file_id}`, `${container}/path/${other?.filename}`]) {
      const gone = await gateway.ask(path)
      expect(gone.status, path).toBe(410)
      expect(await errorCode(gone)).toBe('container_expired')
    }
  })
})

describe('lazy copies', () => {
  it('are made by the first download itself, so that Azure gets one request', async () => {
    const gateway = open({ archiveMode: 'lazy' })
    const [file] = await gateway.respond('Write a CSV')
    await gateway.settled()
    expect(contents(await gateway.requests())).toHaveLength(0)
    const hash = await bytesOf(await gateway.ask(`/files/${file?.file_id}`))
    await gateway.settled()
    expect(contents(await gateway.requests())).toHaveLength(1)
    gateway.advance(2 * 3600)
    expect(await bytesOf(await gateway.ask(`/files/${file?.file_id}`))).toBe(hash)
  })

  it('are made although the client disconnects after the first bytes', async () => {
    const gateway = open({ archiveMode: 'lazy' })
    const [file] = await gateway.respond('Write a CSV of 3 MB')
    const client = new AbortController()
    const answer = await gateway.ask(`/files/${file?.file_id}`, { signal: client.signal })
    const reader = answer.body?.getReader()
    await reader?.read()
    client.abort()
    await reader?.cancel()
    await gateway.settled()
    gateway.advance(2 * 3600)
    const later = await gateway.ask(`/files/${file?.file_id}`)
    expect(later.status).toBe(200)
    expect((await later.arrayBuffer()).byteLength).toBe(3_000_000)
  })

  it('are made of the whole file when the first download is a range', async () => {
    const gateway = open({ archiveMode: 'lazy' })
    const [file] = await gateway.respond('Write a CSV')
    const headers = { range: 'bytes=0-4' }
    const part = await gateway.ask(`/files/${file?.file_id}`, { headers })
    expect((await part.arrayBuffer()).byteLength).toBe(5)
    await gateway.settled()
    gateway.advance(2 * 3600)
    await bytesOf(await gateway.ask(`/files/${file?.file_id}`))
  })

  it('do not delay a download when the archive hangs', async () => {
    const archive = { ...freshArchive(), put: never }
    const gateway = open({ archive, archiveMode: 'lazy' })
    const [file] = await gateway.respond('Write a CSV of 20 MB')
    const answer = await gateway.ask(`/files/${file?.file_id}`)
    expect((await answer.arrayBuffer()).byteLength).toBe(20_000_000)
  })
})

describe('lazy copies and signed links', () => {
  it('do not break a link while the store is down', async () => {
    const down = async () => {
      throw new Error('down')
    }
    const inner = memoryStore({ now })
    let store: Store = inner
    const switched: Store = {
      get: (key) => store.get(key),
      put: (key, value, options) => store.put(key, value, options),
      delete: (key) => store.delete(key),
      list: (prefix, options) => store.list(prefix, options),
    }
    const archive = freshArchive()
    const gateway = open({ archive, store: switched, archiveMode: 'lazy' })
    const [file] = await gateway.respond('Write a CSV')
    const made = await gateway.ask('/links', json({ file_id: file?.file_id }))
    const link = pathOf(((await made.json()) as Linked).download_url)
    store = { get: down, put: down, delete: down, list: down }
    expect((await (await gateway.ask(link)).arrayBuffer()).byteLength).toBeGreaterThan(0)
    await gateway.settled()
    expect(await archive.get(`anyone/${file?.file_id}`)).toBeUndefined()
  })

  it('are made for downloads by link, except for erased files', async () => {
    const archive = freshArchive()
    const gateway = open({ archive, archiveMode: 'lazy' })
    const [file] = await gateway.respond('Write a CSV')
    const made = await gateway.ask('/links', json({ file_id: file?.file_id }))
    const link = pathOf(((await made.json()) as Linked).download_url)
    const download = async (headers = {}) => {
      await (await gateway.ask(link, { headers })).arrayBuffer()
      await gateway.settled()
      return (await archive.get(`anyone/${file?.file_id}`))?.bytes
    }
    expect(await download()).toBeGreaterThan(0)
    await gateway.ask(`/files/${file?.file_id}`, { method: 'DELETE' })
    gateway.advance(1)
    expect(await download()).toBeUndefined()
    expect(await download({ range: 'bytes=0-4' })).toBeUndefined()
  })
})

interface Linked {
  readonly download_url: string
}

describe('expired copies', () => {
  it('are removed after CFILE_ARCHIVE_TTL, and not before', async () => {
    const archive = freshArchive()
    const gateway = open({ archive, archiveTtl: 24 * 3600 })
    const [file] = await gateway.respond('Write a CSV')
    await gateway.settled()
    gateway.advance(23 * 3600)
    await gateway.runUpkeep()
    expect(await archive.get(`anyone/${file?.file_id}`)).toBeDefined()
    gateway.advance(2 * 3600)
    await gateway.runUpkeep()
    expect(await archive.get(`anyone/${file?.file_id}`)).toBeUndefined()
  })

  it('are served by no route from that second on, even before they are removed', async () => {
    const archive = freshArchive()
    const gateway = open({ archive, archiveTtl: 7200, linkTtl: 86_400 })
    const [file] = await gateway.respond('Write a CSV')
    await gateway.settled()
    const container = `/containers/${file?.container_id}`
    const listed = await gateway.ask(`${container}/files`)
    const { files } = (await listed.json()) as { files: { download_url: string }[] }
    const paths = [
      `/files/${file?.file_id}`,
      `${container}/files/${file?.file_id}`,
      `${container}/path/${file?.filename}`,
      `${container}/files`,
      `${container}/files.zip`,
      new URL(files[0]?.download_url ?? '').pathname,
    ]
    gateway.advance(7199)
    for (const path of paths) expect((await gateway.ask(path)).status, path).toBe(200)
    gateway.advance(1)
    for (const path of paths) {
      const answer = await gateway.ask(path)
      expect([answer.status, await errorCode(answer)], path).toEqual([410, 'container_expired'])
    }
    expect(await archive.get(`anyone/${file?.file_id}`)).toBeDefined()
  })

  it('are replaced by the container while it lives, and copied again when the file is cited again', async () => {
    const archive = freshArchive()
    const gateway = open({ archive, archiveTtl: 60 })
    const [file] = await gateway.respond('Write a CSV')
    await gateway.settled()
    gateway.advance(60)
    await gateway.requests()
    await bytesOf(await gateway.ask(`/files/${file?.file_id}`))
    expect(contents(await gateway.requests())).toHaveLength(1)
    await gateway.ask('/captures', json({ output: citing(file) }))
    await gateway.settled()
    expect(contents(await gateway.requests())).toHaveLength(1)
  })
})

function citing(file: object | undefined): object[] {
  const annotations = [{ type: 'container_file_citation', start_index: 0, end_index: 0, ...file }]
  return [{ type: 'message', content: [{ type: 'output_text', text: '', annotations }] }]
}

describe('a failing archive', () => {
  it('delays neither the answer nor the download when it hangs', async () => {
    const hanging = { ...freshArchive(), get: never, put: never }
    const gateway = open({ archive: hanging, wait: hurried })
    const [file] = await gateway.respond('Write a CSV')
    await bytesOf(await gateway.ask(`/files/${file?.file_id}`))
  })

  it('breaks no download of files that Azure still has, is reported in /readyz, and is used again when it works', async () => {
    let isIll = true
    const archive = freshArchive()
    const failing = () => Promise.reject(new Error('the disk is full'))
    const gateway = open({
      archive: {
        ...archive,
        get: (...args) => (isIll ? failing() : archive.get(...args)),
        put: (...args) => (isIll ? failing() : archive.put(...args)),
      },
    })
    const [file] = await gateway.respond('Write a CSV')
    await gateway.settled()
    const hash = await bytesOf(await gateway.ask(`/files/${file?.file_id}`))
    const ready = await gateway.ask('/readyz')
    expect(ready.status).toBe(200)
    expect(await ready.json()).toMatchObject({ archive: 'failing' })
    const metrics = await (await gateway.ask('/metrics')).text()
    expect(metrics).toMatch(/^cfile_archive_errors_total [1-9]/m)
    isIll = false
    gateway.advance(60)
    await gateway.runUpkeep()
    await gateway.settled()
    expect(await (await gateway.ask('/readyz')).json()).toMatchObject({ archive: 'ok' })
    gateway.advance(2 * 3600)
    expect(await bytesOf(await gateway.ask(`/files/${file?.file_id}`))).toBe(hash)
  })

  it('is not reported as ok before its first write; /readyz tries one and removes it', async () => {
    const archive = freshArchive()
    let isIll = true
    let puts = 0
    const lines: string[] = []
    const gateway = open({
      log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
      archive: {
        ...archive,
        put: (...args) => {
          puts += 1
          const refusal = new CfileError('not_ready', 'No.', { hint: 'Make the bucket.' })
          return isIll ? Promise.reject(refusal) : archive.put(...args)
        },
      },
    })
    const status = async () => ((await (await gateway.ask('/readyz')).json()) as Ready).archive
    expect(await status()).toBe('failing')
    expect(lines).toContainEqual(expect.stringMatching(/^error .*CFILE_ARCHIVE.*Make the bucket/))
    isIll = false
    expect(await status()).toBe('failing')
    expect(puts).toBe(1)
    gateway.advance(15)
    expect([await status(), await status(), puts]).toEqual(['ok', 'ok', 2])
    for await (const { key } of archive.list()) expect.unreachable(`${key} was left behind`)
  })

  it('does not delay /readyz when it hangs', async () => {
    const gateway = open({ archive: { ...freshArchive(), put: never }, wait: hurried })
    expect(await (await gateway.ask('/readyz')).json()).toMatchObject({ archive: 'failing' })
  })

  it('breaks no download that the upstream can still serve, not even when a copy ends early', async () => {
    for (const prompt of ['Save a 20 KB binary file.', 'Save a 200 KB binary file.']) {
      const archive = freshArchive()
      const gateway = open({
        archive: {
          ...archive,
          async get(...args) {
            const copy = await archive.get(...args)
            const shorten = async (...wanted: Parameters<NonNullable<typeof copy>['open']>) => {
              const body = await copy?.open(...wanted)
              const bytes = await new Response(body).arrayBuffer()
              return new Blob([bytes.slice(0, 15_000)]).stream()
            }
            return copy && { ...copy, open: shorten }
          },
        },
      })
      const file = (await gateway.respond(prompt)).at(-1)
      const original = await gateway.upstream(
        `/containers/${file?.container_id}/files/${file?.file_id}/content`,
      )
      const hash = await bytesOf(original)
      await gateway.settled()
      expect(await bytesOf(await gateway.ask(`/files/${file?.file_id}`)), prompt).toBe(hash)
    }
  })

  it('breaks a download instead of ending it with wrong bytes', async () => {
    const archive = freshArchive()
    let isDamaged = false
    const gateway = open({
      archive: {
        ...archive,
        async get(...args) {
          const copy = await archive.get(...args)
          if (copy === undefined || !isDamaged) return copy
          return { ...copy, open: async () => damaged(await copy.open(), copy) }
        },
      },
    })
    const file = (await gateway.respond('Save a 2 MB binary file.')).at(-1)
    const path = `/files/${file?.file_id}`
    const hash = await bytesOf(await gateway.ask(path))
    await gateway.settled()
    isDamaged = true
    const answer = await gateway.ask(path)
    await expect(answer.arrayBuffer()).rejects.toThrow()
    await gateway.settled()
    isDamaged = false
    expect(await bytesOf(await gateway.ask(path))).toBe(hash)
  })

  it('does not report a file as missing that it may have', async () => {
    let isIll = false
    const archive = freshArchive()
    const gateway = open({
      archive: {
        ...archive,
        get: (...args) => (isIll ? Promise.reject(new Error('gone away')) : archive.get(...args)),
      },
    })
    const [file] = await gateway.respond('Write a CSV')
    await gateway.settled()
    gateway.advance(2 * 3600)
    isIll = true
    const answer = await gateway.ask(`/files/${file?.file_id}`)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await errorCode(answer)).toBe('not_ready')
    isIll = false
    await bytesOf(await gateway.ask(`/files/${file?.file_id}`))
  })
})

/** The bytes of a copy with another first byte. */
async function damaged(body: ReadableStream<Uint8Array>, copy: ArchivedFile) {
  const bytes = await new Response(body).bytes()
  bytes[0] = (bytes[0] ?? 0) ^ 1
  return verifyBody(new Blob([bytes]).stream(), copy, testSha256)
}

const never = () => new Promise<never>(() => {})
const hurried = (ms: number, signal?: WaitSignal) =>
  new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms / 100)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })

describe('interrupted copies', () => {
  it.each([0, 1, 5, 8, 11])(
    'are resumed within 15 s after their process ended, %i s after another process looked for them',
    async (offset) => {
      let time = now()
      const clock = () => time
      const store = memoryStore({ now: clock })
      const archive = freshArchive()
      const { dead, gateway } = openPair({ store, now: clock }, archive)
      await gateway.runUpkeep()
      await dead.runUpkeep()
      time += offset
      const [file] = await dead.respond('Write a CSV')
      const died = time
      const isThere = async () => (await archive.get(`anyone/${file?.file_id}`)) !== undefined
      for (; !(await isThere()); time += 3) {
        expect(time).toBeLessThanOrEqual(died + 15)
        await gateway.runUpkeep()
        await gateway.settled()
      }
      expect(await store.list('copy/')).toEqual([])
    },
  )

  it('are resumed at once by another process after an orderly shutdown', async () => {
    const store = memoryStore({ now })
    const archive = freshArchive()
    const { dead, gateway } = openPair({ store, now }, archive)
    const [file] = await dead.respond('Write a CSV')
    await dead.stop()
    await gateway.runUpkeep()
    await gateway.settled()
    expect(await archive.get(`anyone/${file?.file_id}`)).toBeDefined()
  })

  it('are resumed after an orderly shutdown by an instance that has just looked for them', async () => {
    const store = memoryStore({ now })
    const archive = freshArchive()
    const { dead, gateway } = openPair({ store, now }, archive)
    await gateway.runUpkeep()
    const [file] = await dead.respond('Write a CSV')
    await dead.stop()
    // Cited while the first instance still answers.
    const [late] = await dead.respond('Write a text file')
    await gateway.runUpkeep()
    await gateway.settled()
    expect(await archive.get(`anyone/${file?.file_id}`)).toBeDefined()
    expect(await archive.get(`anyone/${late?.file_id}`)).toBeDefined()
    expect(await store.list('copy/')).toEqual([])
  })
})

/** Two instances with one upstream, store and archive. The first never finishes a copy. */
function openPair(shared: Partial<AppOptions>, archive: Archive) {
  const dead = open({ ...shared, archive: { ...archive, put: never } })
  const upstream = {
    endpoint: 'http://emulator.localhost',
    credential: apiKey('a-secret-key'),
    fetch: async (...request: ConstructorParameters<typeof Request>) =>
      dead.emulator.fetch(new Request(...request)),
  }
  return { dead, gateway: open({ ...shared, archive, upstreams: [upstream] }) }
}

describe('a copy', () => {
  it('is listed even if the store failed at the moment when it was complete', async () => {
    const inner = memoryStore({ now })
    const failed: string[] = []
    const store: Store = {
      ...inner,
      async put(key, ...rest) {
        if (!key.startsWith('archived/') || failed.includes(key)) return inner.put(key, ...rest)
        failed.push(key)
        throw new Error('ECONNRESET')
      },
    }
    const gateway = open({ store })
    const [file] = await gateway.respond('Write a CSV')
    await gateway.settled()
    expect(failed).toHaveLength(1)
    gateway.advance(60)
    await gateway.runUpkeep()
    await gateway.settled()
    gateway.advance(2 * 3600)
    const container = `/containers/${file?.container_id}`
    await bytesOf(await gateway.ask(`${container}/path/${file?.filename}`))
  })

  it('that takes long does not raise the number of concurrent copies', async () => {
    const archive = freshArchive()
    const puts: string[] = []
    let renew: (() => void)[] = []
    const gateway = open({
      archive: {
        ...archive,
        put(key) {
          puts.push(key)
          return never()
        },
      },
      archiveConcurrency: 1,
      // Leases are renewed when the clock advances.
      wait: (ms) =>
        new Promise((resolve) => {
          if (ms === 3000) renew.push(resolve)
        }),
    })
    const later = async () => {
      for (let times = 0; times < 20; times += 1) {
        gateway.advance(10)
        for (const resolve of renew.splice(0)) resolve()
        await new Promise((resolve) => setTimeout(resolve, 0))
      }
    }
    await gateway.respond('Write a CSV')
    await later()
    await gateway.respond('Write a CSV')
    await later()
    await gateway.runUpkeep()
    await later()
    renew = []
    expect(puts).toHaveLength(1)
  })
})

/** An archive, and the same archive whose writes wait until they are released. */
function heldArchive() {
  const archive = freshArchive()
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const slow: Archive = {
    ...archive,
    put: async (...args) => held.then(() => archive.put(...args)),
  }
  return { archive, slow, release: () => release() }
}

describe('deleting a file upstream', () => {
  it('also deletes a copy that is under way or queued', async () => {
    const { archive, slow, release } = heldArchive()
    const gateway = open({ archive: slow })
    const [file] = await gateway.respond('Write a CSV')
    const path = `/openai/v1/containers/${file?.container_id}/files/${file?.file_id}`
    // Its bytes are being transferred.
    while (contents(await gateway.requests()).length === 0) await Promise.resolve()
    expect((await gateway.ask(path, { method: 'DELETE' })).status).toBe(200)
    release()
    await gateway.settled()
    expect(await archive.get(`anyone/${file?.file_id}`)).toBeUndefined()
  })
})

describe('erasing', () => {
  it('removes the copy and the record of a file, and answers 404 for a missing one', async () => {
    const archive = freshArchive()
    const store = memoryStore({ now })
    const gateway = open({ archive, store })
    const [file] = await gateway.respond('Write a CSV')
    await gateway.settled()
    const erased = await gateway.ask(`/files/${file?.file_id}`, { method: 'DELETE' })
    expect(erased.status).toBe(200)
    expect(await erased.json()).toEqual({
      id: file?.file_id,
      object: 'file.deleted',
      deleted: true,
    })
    expect(await archive.get(`anyone/${file?.file_id}`)).toBeUndefined()
    const keys = (await store.list('', { limit: 1000 })).map(({ key }) => key)
    expect(keys.filter((key) => key.includes(String(file?.file_id)))).toEqual([
      `erased/anyone/${file?.file_id}`,
    ])
    const again = await gateway.ask(`/files/${file?.file_id}`, { method: 'DELETE' })
    expect(again.status).toBe(404)
    expect(await errorCode(again)).toBe('file_not_found')
  })

  it('removes a copy that was under way', async () => {
    const { archive, slow, release } = heldArchive()
    const gateway = open({ archive: slow })
    const [file] = await gateway.respond('Write a CSV')
    const erased = await gateway.ask(`/files/${file?.file_id}`, { method: 'DELETE' })
    expect(erased.status).toBe(200)
    release()
    await gateway.settled()
    expect(await archive.get(`anyone/${file?.file_id}`)).toBeUndefined()
  })

  it('removes everything of an owner for an admin, and is 404 for all others', async () => {
    const archive = freshArchive()
    const store = memoryStore({ now })
    const gateway = open({
      archive,
      store,
      authenticate: (c) => {
        const owner = c.req.header('x-owner') ?? ''
        return { owner, admin: owner === '*' }
      },
    })
    const as = (owner: string, init: RequestInit = {}) => ({
      ...init,
      headers: { ...(init.headers as object), 'x-owner': owner },
    })
    const request = json({
      model: 'gpt-4.1',
      input: 'Write a CSV',
      tools: [{ type: 'code_interpreter', container: { type: 'auto' } }],
    })
    for (const owner of ['ann', 'ben/x'])
      await (await gateway.ask('/openai/v1/responses', as(owner, request))).text()
    await gateway.settled()
    const before = await store.list('', { limit: 1000 })
    const refused = await gateway.ask('/owners/ann', as('ann', { method: 'DELETE' }))
    expect(refused.status).toBe(404)
    expect(await errorCode(refused)).toBe('not_found')
    expect(await store.list('', { limit: 1000 })).toEqual(before)
    const erased = await gateway.ask('/owners/ben%2Fx', as('*', { method: 'DELETE' }))
    expect(erased.status).toBe(200)
    expect(await erased.json()).toMatchObject({ owner: 'ben/x', deleted: true, copies: 1 })
    expect(await store.list('file/', { limit: 1000 })).toHaveLength(1)
    const ben = await ownerKey('ben/x')
    const left = (await store.list('', { limit: 1000 })).map(({ key }) => key)
    expect(left.filter((key) => key.includes(ben))).toEqual([`erased/${ben}/*`])
    let copies = 0
    for await (const _ of archive.list()) copies += 1
    expect(copies).toBe(1)
  })
})
