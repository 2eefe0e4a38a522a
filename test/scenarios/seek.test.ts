/**
 * Players and viewers seek in a file: each range through one signed link is the right slice, from Azure and from the
 * archive.
 */

import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { memoryArchive } from '../../src/archives/memory.ts'
import { testSha256 } from '../archives/contract.ts'
import { json, openHarness } from '../lib/harness.ts'
import { rounds } from '../lib/rounds.ts'
import { followWork } from '../lib/work.ts'

const now = () => 1_790_000_000

async function open(archived: boolean) {
  const { waitUntil, settle } = followWork()
  const archive = archived ? memoryArchive({ createSha256: testSha256, now }) : undefined
  const gateway = openHarness({ archive, waitUntil })
  const [file] = await gateway.respond('Write clip.mp4 of 400 KB')
  if (file === undefined) throw new Error('nothing was cited')
  await settle()
  const content = await gateway.upstream(
    `/containers/${file.container_id}/files/${file.file_id}/content`,
  )
  const bytes = new Uint8Array(await content.arrayBuffer())
  const linked = await gateway.ask('/links', json({ file_id: file.file_id }))
  const { download_url } = (await linked.json()) as { download_url: string }
  const { pathname, search } = new URL(download_url)
  await gateway.requests()
  const ask = (headers: Record<string, string>, init: RequestInit = {}) =>
    gateway.ask(pathname + search, { ...init, headers })
  return { gateway, bytes, ask }
}

const bytesOf = async (answer: Response) => new Uint8Array(await answer.arrayBuffer())

/** Reads some bytes and cancels, as a player that seeks. */
async function take(answer: Response, most: number): Promise<Uint8Array> {
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
  const pieces: Uint8Array[] = []
  for (let read = 0; read < most; ) {
    const { done, value } = await reader.read()
    if (done) break
    pieces.push(value)
    read += value.byteLength
  }
  await reader.cancel()
  const joined = new Blob(pieces as BlobPart[]).slice(0, most)
  return new Uint8Array(await joined.arrayBuffer())
}

describe.each([
  ['Azure', false],
  ['the archive', true],
])('a file from %s', (_, archived) => {
  let opened: Awaited<ReturnType<typeof open>>
  beforeAll(async () => {
    opened = await open(archived)
  })

  it('is played like a <video>: the start, the index at the end, a jump, the rest', async () => {
    const { bytes, ask, gateway } = opened
    const size = bytes.byteLength
    const start = await ask({ range: 'bytes=0-' })
    expect(start.status).toBe(206)
    expect(start.headers.get('content-range')).toBe(`bytes 0-${size - 1}/${size}`)
    expect(start.headers.get('content-type')).toBe('video/mp4')
    expect(start.headers.get('accept-ranges')).toBe('bytes')
    expect(start.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
    const etag = start.headers.get('etag') ?? ''
    expect(await take(start, 40_000)).toEqual(bytes.slice(0, 40_000))
    for (const from of [size - 3000, 123_456, 40_000, 300_001, size - 1]) {
      const part = await ask({ range: `bytes=${from}-`, 'if-range': etag })
      expect(part.status).toBe(206)
      expect(part.headers.get('etag')).toBe(etag)
      expect(part.headers.get('content-length')).toBe(String(size - from))
      expect(await take(part, 20_000)).toEqual(bytes.slice(from, from + 20_000))
    }
    const rest = await ask({ range: `bytes=200000-`, 'if-range': etag })
    expect(await bytesOf(rest)).toEqual(bytes.slice(200_000))
    const calls = (await gateway.requests()).filter(({ path }) => path.endsWith('/content'))
    expect(calls).toHaveLength(archived ? 0 : 7)
  })

  it('is assembled by a viewer that requests its pieces concurrently and out of order', async () => {
    const { bytes, ask } = opened
    const head = await ask({}, { method: 'HEAD' })
    const size = Number(head.headers.get('content-length'))
    const etag = head.headers.get('etag') ?? ''
    const starts = Array.from({ length: Math.ceil(size / 65_536) }, (_, at) => at * 65_536)
    const whole = new Uint8Array(size)
    await Promise.all(
      starts.toReversed().map(async (from) => {
        const range = `bytes=${from}-${from + 65_535}`
        const part = await ask({ range, 'if-range': etag })
        expect(part.status).toBe(206)
        whole.set(await bytesOf(part), from)
      }),
    )
    expect(whole).toEqual(bytes)
  })

  it('gives the right slices for any sequence of ranges', async () => {
    const { bytes, ask } = opened
    const etag = (await ask({}, { method: 'HEAD' })).headers.get('etag') ?? ''
    const size = bytes.byteLength
    const step = fc.record({ from: fc.nat(size - 1), length: fc.integer({ min: 1, max: 9000 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (walk) => {
        for (const { from, length } of walk) {
          const range = `bytes=${from}-${from + length - 1}`
          const part = await ask({ range, 'if-range': etag })
          expect(await bytesOf(part)).toEqual(bytes.slice(from, from + length))
        }
      }),
      { seed: 7, numRuns: rounds(15) },
    )
  })

  it('starts again when the player began with another file', async () => {
    const { bytes, ask } = opened
    const whole = await ask({ range: 'bytes=1000-', 'if-range': '"of-yesterday"' })
    expect(whole.status).toBe(200)
    expect(whole.headers.get('content-range')).toBeNull()
    expect(await bytesOf(whole)).toEqual(bytes)
  })
})
