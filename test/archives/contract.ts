/** Tests that every archive must pass. */

import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Archive, ArchiveMeta, CreateSha256 } from '../../src/archives/archive.ts'
import { DamagedCopy } from '../../src/core/bytes/failures.ts'
import { sha256 } from '../lib/harness.ts'
import { rounds } from '../lib/rounds.ts'

/** An archive under test. */
export interface OpenedArchive {
  readonly archive: Archive
  /** Size in bytes from which the engine uploads in parts; absent if it never does. */
  readonly partBytes?: number
  /**
   * Replaces the stored bytes of a copy without the archive's knowledge, or removes them; absent if the test cannot.
   */
  damage?(key: string, bytes: Uint8Array<ArrayBuffer> | undefined): Promise<void>
}

/** A SHA-256 made of what every runtime has, for engines that need one. */
export const testSha256: CreateSha256 = () => {
  const chunks: Uint8Array[] = []
  return {
    update: (chunk) => void chunks.push(chunk.slice()),
    digest: async () => sha256(await new Blob(chunks as BlobPart[]).arrayBuffer()),
  }
}

/** Bytes that differ at every position, so that a part out of order is noticed. */
export function testBytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let state = seed * 2654435761
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes[index] = state >>> 24
  }
  return bytes
}

/** A body in chunks of the given size. */
export function bodyOf(bytes: Uint8Array<ArrayBuffer>, chunk = 65_536): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.byteLength) return controller.close()
      controller.enqueue(bytes.slice(at, at + chunk))
      at += chunk
    },
  })
}

/** A body that fails after its bytes. */
export function brokenBody(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  let isSent = false
  return new ReadableStream({
    pull(controller) {
      if (isSent) return controller.error(new Error('the upstream broke off'))
      isSent = true
      controller.enqueue(bytes)
    },
  })
}

/** Runs the suite on the archive that `open` returns. Existing content does not matter. */
export function archiveContract(name: string, open: () => Promise<OpenedArchive>): void {
  describe(`${name} as an archive`, () => {
    let archive: Archive
    let partBytes: number | undefined
    let damage: OpenedArchive['damage']
    const run = crypto.randomUUID().slice(0, 8)
    let files = 0

    const freshKey = (owner = `owner-${run}`): string => {
      files += 1
      return `${owner}/cfile_${run}_${files}`
    }
    const metaOf = (key: string, more: Partial<ArchiveMeta> = {}): ArchiveMeta => {
      const [owner = '', file_id = ''] = key.split('/')
      return { owner, file_id, ...more }
    }
    const put = (key: string, bytes: Uint8Array<ArrayBuffer>) =>
      archive.put(key, bodyOf(bytes), metaOf(key), { bytes: bytes.byteLength })
    const read = async (key: string, range?: { start: number; end: number }) => {
      const found = await archive.get(key)
      if (found === undefined) return undefined
      return new Uint8Array(await new Response(await found.open({ range })).arrayBuffer())
    }
    const keysOf = async (owner?: string): Promise<string[]> => {
      const keys: string[] = []
      for await (const { key } of archive.list({ owner })) keys.push(key)
      return keys
    }

    beforeAll(async () => {
      const opened = await open()
      archive = opened.archive
      partBytes = opened.partBytes
      damage = opened.damage
    })

    it('returns what it stored: bytes, size, hash and facts', async () => {
      const key = freshKey()
      const bytes = testBytes(100_000)
      const meta = metaOf(key, {
        name: 'Überblick – 数据 📊.xlsx',
        type: 'text/csv; charset=utf-8',
        upstream: 'default',
        container_id: 'cntr_1',
      })
      const record = await archive.put(key, bodyOf(bytes), meta, { bytes: bytes.byteLength })
      const expected = { bytes: 100_000, sha256: await sha256(bytes.buffer), meta }
      expect(record).toEqual(expected)
      expect(await archive.get(key)).toMatchObject({ key, ...expected })
      expect(await read(key)).toEqual(bytes)
    })

    it('has no copy that was never stored', async () => {
      expect(await archive.get(freshKey())).toBeUndefined()
      await expect(archive.delete(freshKey())).resolves.toBeUndefined()
    })

    it('stores an empty file, with or without an announced size', async () => {
      for (const bytes of [0, undefined]) {
        const key = freshKey()
        const record = await archive.put(key, bodyOf(new Uint8Array()), metaOf(key), { bytes })
        expect(record.bytes).toBe(0)
        expect(await read(key)).toEqual(new Uint8Array())
      }
    })

    it('stores a file of unknown size', async () => {
      const key = freshKey()
      const bytes = testBytes(70_001)
      await archive.put(key, bodyOf(bytes), metaOf(key))
      expect(await read(key)).toEqual(bytes)
    })

    it('returns exactly the bytes of a range: first, last, one, all', async () => {
      const key = freshKey()
      const bytes = testBytes(300_000)
      await put(key, bytes)
      for (const [start, end] of [
        [0, 0],
        [299_999, 299_999],
        [100, 70_000],
        [262_143, 262_145],
        [0, 299_999],
      ] as const)
        expect(await read(key, { start, end })).toEqual(bytes.slice(start, end + 1))
    })

    it('returns any range of any file, for any chunks of its body', async () => {
      const property = fc.asyncProperty(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 6000 }),
        fc.nat(),
        fc.nat(),
        async (length, chunk, a, b) => {
          const key = freshKey()
          const bytes = testBytes(length, a + 1)
          await archive.put(key, bodyOf(bytes, chunk), metaOf(key), { bytes: length })
          const [start = 0, end = 0] = [a % length, b % length].toSorted((x, y) => x - y)
          expect(await read(key, { start, end })).toEqual(bytes.slice(start, end + 1))
        },
      )
      await fc.assert(property, { seed: 1, numRuns: rounds(5) })
    })

    it('never returns a copy whose body failed, was too short or too long', async () => {
      const bytes = testBytes(200_000)
      const key = freshKey()
      await expect(
        archive.put(key, brokenBody(bytes), metaOf(key), { bytes: 300_000 }),
      ).rejects.toThrow('the upstream broke off')
      expect(await archive.get(key)).toBeUndefined()
      for (const announced of [199_999, 200_001, 0]) {
        await expect(
          archive.put(key, bodyOf(bytes), metaOf(key), { bytes: announced }),
        ).rejects.toBeInstanceOf(RangeError)
        expect(await archive.get(key)).toBeUndefined()
      }
    })

    it('keeps the earlier copy when a second one fails', async () => {
      const key = freshKey()
      const bytes = testBytes(1000)
      await put(key, bytes)
      await expect(archive.put(key, brokenBody(testBytes(500)), metaOf(key))).rejects.toThrow()
      expect(await read(key)).toEqual(bytes)
    })

    it('stops reading and cancels the body when the copy is cancelled', async () => {
      const key = freshKey()
      const stop = new AbortController()
      let isCancelled = false
      const endless = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(testBytes(65_536))
          stop.abort(new Error('called off'))
        },
        cancel() {
          isCancelled = true
        },
      })
      const copying = archive.put(key, endless, metaOf(key), { signal: stop.signal })
      await expect(copying).rejects.toThrow('called off')
      expect(isCancelled).toBe(true)
      expect(await archive.get(key)).toBeUndefined()
    })

    it('replaces a copy in one step, and a download in progress continues with its bytes or fails', async () => {
      const key = freshKey()
      const before = testBytes(400_000, 1)
      const after = testBytes(350_000, 2)
      await put(key, before)
      const found = await archive.get(key)
      await put(key, after)
      expect(await read(key)).toEqual(after)
      const late = await found?.open().then(
        async (body) => new Uint8Array(await new Response(body).arrayBuffer()),
        (error) => error,
      )
      if (late instanceof Uint8Array) expect(late).toEqual(before)
      else expect(late).toMatchObject({ code: 'file_not_found' })
    })

    it('deletes a copy, and a download that opens it afterwards gets an error', async () => {
      const key = freshKey()
      await put(key, testBytes(10))
      const found = await archive.get(key)
      await archive.delete(key)
      expect(await archive.get(key)).toBeUndefined()
      await expect(found?.open()).rejects.toMatchObject({ code: 'file_not_found' })
    })

    it('opens nothing for a cancelled download, and stops one in progress', async () => {
      const key = freshKey()
      await put(key, testBytes(3_000_000))
      const found = await archive.get(key)
      const stop = AbortSignal.abort(new Error('gone away'))
      await expect(found?.open({ signal: stop })).rejects.toThrow('gone away')
      const reader = (await found?.open())?.getReader()
      expect((await reader?.read())?.value?.byteLength).toBeGreaterThan(0)
      await expect(reader?.cancel()).resolves.toBeUndefined()
    })

    it.each([1000, 200_000, 1_000_000])(
      'never passes a damaged copy of %i bytes as whole, and no byte of a small one',
      async (length) => {
        if (damage === undefined) return
        const bytes = testBytes(length)
        const flipped = bytes.slice()
        flipped[length >> 1] = (flipped[length >> 1] ?? 0) ^ 1
        const longer = new Uint8Array(length + 1)
        longer.set(bytes)
        const empty = new Uint8Array()
        for (const other of [flipped, bytes.slice(0, -1), longer, empty, undefined]) {
          const key = freshKey()
          await put(key, bytes)
          expect(await read(key)).toEqual(bytes)
          await damage(key, other)
          const found = await archive.get(key)
          const passed: number[] = []
          const reading = (async () => {
            for await (const piece of (await found?.open()) ?? []) passed.push(piece.byteLength)
          })()
          await expect(reading).rejects.toBeInstanceOf(DamagedCopy)
          const sum = passed.reduce((total, count) => total + count, 0)
          expect(sum).toBeLessThanOrEqual(Math.max(0, length - 256 * 1024))
          await put(key, bytes)
          expect(await read(key)).toEqual(bytes)
        }
      },
    )

    it('gives the time of a copy, equal to the time in the list', async () => {
      const owner = `time-${run}`
      const key = freshKey(owner)
      await put(key, testBytes(5))
      const storedAt = (await archive.get(key))?.storedAt
      expect(storedAt).toBeGreaterThan(1_700_000_000)
      for await (const listed of archive.list({ owner })) expect(listed).toEqual({ key, storedAt })
    })

    it('lists the complete copies of all owners or of one, with their times', async () => {
      const [one, two] = [`one-${run}`, `one-${run}x`]
      const keys = [freshKey(one), freshKey(one), freshKey(two)]
      for (const key of keys) await put(key, testBytes(5))
      await archive.put(freshKey(one), brokenBody(testBytes(5)), metaOf('a/b')).catch(() => {})
      expect((await keysOf(one)).toSorted()).toEqual(keys.slice(0, 2).toSorted())
      expect(await keysOf()).toEqual(expect.arrayContaining(keys))
      for await (const { storedAt } of archive.list({ owner: two }))
        expect(storedAt).toBeGreaterThan(1_700_000_000)
    })

    it('keeps complete copies when leftovers are removed', async () => {
      const key = freshKey()
      await put(key, testBytes(50_000))
      await archive.removeLeftovers({ before: Number.MAX_SAFE_INTEGER })
      expect(await read(key)).toEqual(testBytes(50_000))
    })

    it('accepts no path as a key, for any file name', async () => {
      for (const key of ['../x', 'a/../b', 'a', 'a/b/c', 'a/b.json', '/a', 'a\\b/c', 'a/ü', '/']) {
        const body = bodyOf(testBytes(1))
        await expect(archive.put(key, body, metaOf(key))).rejects.toMatchObject({
          code: 'invalid_id',
        })
        await expect(archive.get(key)).rejects.toMatchObject({ code: 'invalid_id' })
        await expect(archive.delete(key)).rejects.toMatchObject({ code: 'invalid_id' })
      }
    })

    it('stores files of one part, of several, and of one byte more', async () => {
      if (partBytes === undefined) return
      for (const length of [partBytes, 2 * partBytes, 2 * partBytes + 77]) {
        const bytes = testBytes(length)
        for (const announced of [length, undefined]) {
          const key = freshKey()
          await archive.put(key, bodyOf(bytes), metaOf(key), { bytes: announced })
          expect(await sha256((await read(key))?.buffer ?? new ArrayBuffer())).toBe(
            await sha256(bytes.buffer),
          )
          await archive.delete(key)
        }
      }
    })

    it('returns no file of several parts that failed in its second part', async () => {
      if (partBytes === undefined) return
      const key = freshKey()
      await expect(
        archive.put(key, brokenBody(testBytes(partBytes + 9)), metaOf(key)),
      ).rejects.toThrow('the upstream broke off')
      expect(await archive.get(key)).toBeUndefined()
    })
  })
}
