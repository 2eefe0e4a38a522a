import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apiKey } from '../../../src/azure/credentials.ts'
import type { AppOptions } from '../../../src/options.ts'
import { type CitedFile, errorCode, type Harness, openHarness, sha256 } from '../../lib/harness.ts'
import { rounds } from '../../lib/rounds.ts'

const noLimit = 1_000_000

async function withFile(prompt = 'Save a 200 KB binary file.', gateway = openHarness()) {
  const file = (await gateway.respond(prompt)).at(-1)
  if (file === undefined) throw new Error(`nothing was cited for: ${prompt}`)
  const bytes = await original(gateway, file)
  await gateway.requests()
  return { gateway, file, path: `/files/${file.file_id}`, bytes }
}

async function original(gateway: Harness, { container_id, file_id }: CitedFile) {
  const content = await gateway.upstream(`/containers/${container_id}/files/${file_id}/content`)
  return new Uint8Array(await content.arrayBuffer())
}

async function bytesOf(answer: Response): Promise<Uint8Array> {
  return new Uint8Array(await answer.arrayBuffer())
}

const get = (range: string, more: Record<string, string> = {}) => ({ headers: { range, ...more } })
const content = { match: { path: '/content' }, times: noLimit }

describe.each([
  ['knows no ranges', {}],
  ['honours ranges', { range: true }],
  ['announces no length', { no_length: true }],
])('a range, where the upstream %s', (_, mood) => {
  it('is the slice of the file, however it is spelt', async () => {
    const { gateway, path, bytes } = await withFile()
    await gateway.fault({ ...content, ...mood })
    const spelt: [range: string, start: number, end: number][] = [
      ['bytes=0-0', 0, 1],
      ['bytes=100-199', 100, 200],
      ['bytes=199990-', 199_990, 200_000],
      ['bytes=-7', 199_993, 200_000],
      ['bytes=-999999', 0, 200_000],
      ['bytes=70000-999999', 70_000, 200_000],
    ]
    for (const [range, start, end] of spelt) {
      const answer = await gateway.ask(path, get(range))
      expect(answer.status, range).toBe(206)
      expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/200000`)
      expect(answer.headers.get('content-length')).toBe(String(end - start))
      expect(await bytesOf(answer)).toEqual(bytes.slice(start, end))
    }
  })

  it('is resumed where it breaks off', async () => {
    const { gateway, path, bytes } = await withFile()
    await gateway.fault([
      { ...content, ...mood },
      { ...content, cut_after: 90_000, times: 2 },
    ])
    const answer = await gateway.ask(path, get('bytes=50000-199998'))
    expect(await bytesOf(answer)).toEqual(bytes.slice(50_000, 199_999))
  })
})

describe('a range', () => {
  it('equals the slice, for any file and any range', async () => {
    const gateway = openHarness()
    const sizes = [1, 2, 1000, 65_536, 65_537, 150_000]
    const files = await Promise.all(
      sizes.map((size) => withFile(`Save a ${size} bytes binary file.`, gateway)),
    )
    const any = fc.record({ index: fc.nat(sizes.length - 1), first: fc.nat(), last: fc.nat() })
    await fc.assert(
      fc.asyncProperty(any, async ({ index, first, last }) => {
        const { path = '', bytes = new Uint8Array() } = files[index] ?? {}
        const start = first % bytes.byteLength
        const end = start + (last % (bytes.byteLength - start))
        const answer = await gateway.ask(path, get(`bytes=${start}-${end}`))
        expect(answer.status).toBe(206)
        expect(await bytesOf(answer)).toEqual(bytes.slice(start, end + 1))
      }),
      { seed: 3, numRuns: rounds(200) },
    )
  })

  it('needs one call if the length is known, and two otherwise', async () => {
    const { gateway, path } = await withFile()
    await bytesOf(await gateway.ask(path, get('bytes=0-9')))
    expect(await gateway.requests()).toHaveLength(2)
    await bytesOf(await gateway.ask(path, get('bytes=10-19')))
    expect(await gateway.requests()).toHaveLength(1)
  })

  it('outside the file is refused with the length, without opening the content', async () => {
    const { gateway, path } = await withFile()
    for (const method of ['GET', 'HEAD']) {
      for (const range of ['bytes=200000-', 'bytes=300000-400000', 'bytes=-0']) {
        const answer = await gateway.ask(path, { method, ...get(range) })
        expect([answer.status, answer.headers.get('content-range')], range).toEqual([
          416,
          'bytes */200000',
        ])
        if (method === 'GET') expect(await errorCode(answer)).toBe('range_not_satisfiable')
      }
    }
    expect((await gateway.requests()).filter(({ path }) => path.endsWith('/content'))).toEqual([])
  })

  it('that is malformed, multiple or in another unit returns the whole file', async () => {
    const { gateway, path } = await withFile('Save a 500 bytes binary file.')
    for (const range of ['bytes=0-1,5-6', 'lines=1-2', 'bytes=5-2', 'bytes=a-', 'bytes=-']) {
      const answer = await gateway.ask(path, get(range))
      expect([answer.status, (await bytesOf(answer)).byteLength], range).toEqual([200, 500])
    }
  })

  it('is served only if the client’s part belongs to the same file', async () => {
    const { gateway, path } = await withFile()
    const etag = (await gateway.ask(path, { method: 'HEAD' })).headers.get('etag') ?? ''
    const same = await gateway.ask(path, get('bytes=5-', { 'if-range': etag }))
    expect(same.status).toBe(206)
    for (const other of ['"other"', `W/${etag}`, 'Wed, 25 Nov 2026 00:00:00 GMT']) {
      const whole = await gateway.ask(path, get('bytes=5-', { 'if-range': other }))
      expect(whole.status, other).toBe(200)
    }
  })

  it('is that of the current file if its length has changed', async () => {
    const { gateway, file } = await withFile('Save a 500 bytes binary file.')
    const bytes = Uint8Array.from({ length: 800 }, (_, at) => at % 251)
    let isLonger = false
    const before = behind(async (request) => {
      if (!isLonger) return gateway.emulator.fetch(request)
      return request.url.endsWith('/content')
        ? new Response(bytes, { headers: { 'content-length': '800' } })
        : Response.json({ id: file.file_id, path: '/mnt/data/data.bin', bytes: 800 })
    })
    const path = `/files/${file.file_id}?container_id=${file.container_id}`
    await bytesOf(await before.ask(path))
    isLonger = true
    const answer = await before.ask(path, get('bytes=-700'))
    expect(answer.headers.get('content-range')).toBe('bytes 100-799/800')
    expect(await bytesOf(answer)).toEqual(bytes.slice(100))
  })
})

describe('a length', () => {
  it('that is announced wrongly never makes a truncated file look complete, if the true length is known', async () => {
    const { gateway, file } = await withFile('Save a 500 bytes binary file.')
    let isLying = false
    const before = behind(async (request) => {
      const answer = await gateway.emulator.fetch(request)
      if (!isLying || !request.url.endsWith('/content')) return answer
      return new Response('x'.repeat(400), { headers: { 'content-length': '400' } })
    })
    const path = `/files/${file.file_id}?container_id=${file.container_id}`
    await bytesOf(await before.ask(path))
    isLying = true
    const answer = await before.ask(path)
    expect([answer.status, await errorCode(answer)]).toEqual([502, 'upstream_invalid'])
  })
})

/** A gateway whose upstream is a function. */
function behind(
  upstream: (request: Request) => Response | Promise<Response>,
  options: Partial<AppOptions> = {},
): Harness {
  const fetch = async (input: string | URL | Request, init?: RequestInit) =>
    upstream(new Request(input, init))
  const endpoint = 'http://emulator.localhost'
  return openHarness({ upstreams: [{ endpoint, credential: apiKey('a'), fetch }], ...options })
}

describe('a validator', () => {
  it('avoids sending a file that the client has, without opening it upstream', async () => {
    const { gateway, path } = await withFile()
    const etag = (await gateway.ask(path, { method: 'HEAD' })).headers.get('etag') ?? ''
    await gateway.requests()
    for (const method of ['GET', 'HEAD']) {
      for (const tags of [etag, `W/${etag}`, `"a", ${etag}`, '*']) {
        const answer = await gateway.ask(path, { method, headers: { 'if-none-match': tags } })
        expect([answer.status, answer.headers.get('etag')], tags).toEqual([304, etag])
        expect((await bytesOf(answer)).byteLength).toBe(0)
      }
    }
    expect((await gateway.requests()).filter(({ path }) => path.endsWith('/content'))).toEqual([])
    const other = await gateway.ask(path, { headers: { 'if-none-match': '"other"' } })
    expect(other.status).toBe(200)
  })

  it('refuses a request that expects another file', async () => {
    const { gateway, path } = await withFile()
    const etag = (await gateway.ask(path, { method: 'HEAD' })).headers.get('etag') ?? ''
    expect((await gateway.ask(path, { headers: { 'if-match': etag } })).status).toBe(200)
    const other = await gateway.ask(path, { headers: { 'if-match': '"other"' } })
    expect([other.status, await errorCode(other)]).toEqual([412, 'precondition_failed'])
  })

  it('is the same for GET and HEAD, and before and after the first download', async () => {
    const { gateway, path } = await withFile()
    const head = await gateway.ask(path, { method: 'HEAD' })
    const first = await gateway.ask(path)
    const second = await gateway.ask(path, { method: 'HEAD' })
    for (const name of ['etag', 'content-length', 'accept-ranges']) {
      expect(first.headers.get(name), name).toBe(head.headers.get(name))
      expect(second.headers.get(name), name).toBe(head.headers.get(name))
    }
    expect(head.headers.get('accept-ranges')).toBe('bytes')
  })

  it('never hides that the container has expired', async () => {
    const { gateway, path } = await withFile()
    const etag = (await gateway.ask(path)).headers.get('etag') ?? ''
    gateway.advance(2 * 3600)
    const conditions: Record<string, string>[] = [
      { range: 'bytes=0-9' },
      { range: 'bytes=999999-' },
      { 'if-none-match': etag },
      { 'if-match': '"other"' },
    ]
    for (const headers of conditions) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await gateway.ask(path, { method, headers })
        expect(answer.status, JSON.stringify(headers)).toBe(410)
      }
    }
  })
})

describe('an empty file', () => {
  it('has a length, a validator and no range', async () => {
    const { gateway, path } = await withFile('Save a 0 bytes binary file.')
    const answer = await gateway.ask(path)
    expect([answer.status, answer.headers.get('content-length')]).toEqual([200, '0'])
    expect((await bytesOf(answer)).byteLength).toBe(0)
    expect(answer.headers.get('etag')).toMatch(/^"/)
    expect((await gateway.ask(path, get('bytes=0-'))).status).toBe(416)
    expect((await gateway.ask(path, get('bytes=-5'))).status).toBe(200)
  })
})

describe('a body that breaks off', () => {
  it('is resumed, and the client gets one whole file', async () => {
    const { gateway, path, bytes } = await withFile()
    for (const mood of [{}, { range: true }, { range: true, etag: true }, { no_length: true }]) {
      await gateway.fault([
        { ...content, ...mood, times: 4 },
        { ...content, cut_after: 150_000, times: 1 },
        { ...content, end_after: 170_000, times: 1 },
        { ...content, cut_after: 0, times: 1 },
      ])
      const answer = await gateway.ask(path)
      expect(answer.headers.get('content-length')).toBe('200000')
      expect(await bytesOf(answer), JSON.stringify(mood)).toEqual(bytes)
    }
  })

  it('is an error, not a shorter file, if it is so small that nothing of it was sent', async () => {
    const { gateway, path, bytes } = await withFile('Save a 20 KB binary file.')
    await gateway.fault({ ...content, cut_after: 5000, times: 5 })
    expect(await bytesOf(await gateway.ask(path))).toEqual(bytes)
    await gateway.fault({ ...content, cut_after: 5000, times: 6 })
    const broken = await gateway.ask(path)
    expect([broken.status, await errorCode(broken)]).toEqual([502, 'upstream_error'])
    expect(broken.headers.get('content-disposition')).toBeNull()
    await gateway.fault([
      { ...content, cut_after: 5000, times: 1 },
      { match: { path: '/content' }, status: 404, times: noLimit },
    ])
    expect((await gateway.ask(path)).status).toBe(404)
  })

  it('is not continued with the bytes of another file of the same length', async () => {
    const { gateway, path } = await withFile()
    for (const mood of [{}, { range: true }, { etag: true, range: true }]) {
      await gateway.fault([
        { ...content, ...mood, times: 2 },
        { ...content, cut_after: 150_000, times: 1 },
        { ...content, change_content: 140_000, times: 1 },
      ])
      await expect((await gateway.ask(path)).arrayBuffer()).rejects.toThrow()
      await gateway.requests()
    }
  })

  it('is cancelled if it stalls for longer than the limit', async () => {
    const { gateway, path, bytes } = await withFile(undefined, openHarness({ idleTimeoutMs: 50 }))
    await gateway.fault({ ...content, stall_after: 100_000, times: 1 })
    expect(await bytesOf(await gateway.ask(path))).toEqual(bytes)
  })

  it.each([
    ['is refused', 1000, 5000],
    ['breaks', 100_000, 300_000],
  ])('%s over the limit if no length was announced', async (ends, maxFileBytes, bytes) => {
    const gateway = openHarness({ maxFileBytes })
    const form = new FormData()
    form.set('purpose', 'assistants')
    form.set('file', new File(['x'.repeat(bytes)], 'large.txt'))
    const upload = await gateway.upstream('/files', { method: 'POST', body: form })
    const { id } = (await upload.json()) as { id: string }
    const announced = await gateway.ask(`/files/${id}`)
    expect([announced.status, await errorCode(announced)]).toEqual([502, 'file_too_large'])
    await gateway.fault([
      { ...content, no_length: true, times: 1 },
      {
        match: { path: `*/files/${id}` },
        body: { id, object: 'file', filename: 'a', bytes: null },
      },
    ])
    const answer = await gateway.ask(`/files/${id}`)
    expect(answer.status).toBe(ends === 'breaks' ? 200 : 502)
    if (ends === 'breaks') await expect(answer.arrayBuffer()).rejects.toThrow()
    else expect(await errorCode(answer)).toBe('file_too_large')
  })
})

describe('the headers of a download', () => {
  it('contain only the type and the request id of the upstream', async () => {
    const { gateway, path } = await withFile('Save the numbers as a CSV.')
    await gateway.fault({
      ...content,
      headers: {
        'set-cookie': 'a=b',
        'cache-control': 'public, max-age=9999',
        'x-evil': '1',
        'content-security-policy': 'default-src *',
        'access-control-allow-origin': '*',
        link: '<https://evil.example>; rel=preload',
        etag: '"theirs"',
        'last-modified': 'Wed, 25 Nov 2026 00:00:00 GMT',
      },
    })
    const { headers } = await gateway.ask(path)
    expect([...headers.keys()].sort()).toEqual([
      'accept-ranges',
      'apim-request-id',
      'cache-control',
      'content-disposition',
      'content-length',
      'content-security-policy',
      'content-type',
      'cross-origin-resource-policy',
      'etag',
      'referrer-policy',
      'server-timing',
      'x-content-type-options',
      'x-request-id',
    ])
    expect(headers.get('cache-control')).toBe('private, no-store, no-transform')
    expect(headers.get('etag')).not.toBe('"theirs"')
  })

  it('contain the upstream’s request id for a HEAD too, so that support can find the request', async () => {
    const { gateway, path } = await withFile()
    const got = await gateway.ask(path)
    await got.arrayBuffer()
    const head = await gateway.ask(path, { method: 'HEAD' })
    const same = { 'if-none-match': got.headers.get('etag') ?? '' }
    const unchanged = await gateway.ask(path, { headers: same })
    expect([head.status, unchanged.status]).toEqual([200, 304])
    const ids = [got, head, unchanged].map(({ headers }) => headers.get('apim-request-id'))
    for (const id of ids) expect(id).toMatch(/^[\da-f-]{36}$/)
    expect(new Set(ids).size).toBe(3)
  })

  it('come with the bytes if the store fails after the file was found', async () => {
    const { gateway, file } = await withFile()
    const down = async () => {
      throw new Error('the store is down')
    }
    const store = { get: async () => undefined, list: async () => [], put: down, delete: down }
    const failing = behind((request) => gateway.emulator.fetch(request), { store })
    const answer = await failing.ask(`/files/${file.file_id}?container_id=${file.container_id}`)
    expect(answer.status).toBe(200)
    const want = await sha256((await original(gateway, file)).buffer)
    expect(await sha256(await answer.arrayBuffer())).toBe(want)
  })
})
