import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exactLength } from '../../src/core/exact-length.ts'
import { type FixedLength, sliceBody, sliceStream } from '../../src/core/slice.ts'
import { rounds } from '../rounds.ts'

const bytes = Uint8Array.from({ length: 1000 }, (_, at) => at % 251)

/** A source of pieces of these lengths, and how much of it was read. */
function sourceOf(lengths: readonly number[], type?: 'bytes') {
  const read = { bytes: 0, isCancelled: false }
  let at = 0
  let next = 0
  const body = new ReadableStream<Uint8Array>(
    {
      type: type as undefined,
      pull(controller) {
        const length = lengths[next]
        next += 1
        if (length === undefined) {
          controller.close()
          // A byte stream waits with its end for the read that it answers.
          const { byobRequest } = controller as { byobRequest?: { respond(bytes: number): void } }
          byobRequest?.respond(0)
          return
        }
        controller.enqueue(bytes.slice(at, at + length))
        at += length
        read.bytes = at
      },
      cancel() {
        read.isCancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { body, read }
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<number[]> {
  return [...new Uint8Array(await new Response(stream).arrayBuffer())]
}

const cut = fc
  .record({
    lengths: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 11 }),
    one: fc.nat(1000),
    other: fc.nat(1000),
  })
  .map(({ lengths, one, other }) => {
    const size = lengths.reduce((sum, length) => sum + length, 0)
    const [start, end] = [one % size, other % size].sort((a, b) => a - b)
    return { lengths, size, start: start ?? 0, end: end ?? 0 }
  })

describe('sliceStream', () => {
  it('gives the part of the file, however it comes in', async () => {
    await fc.assert(
      fc.asyncProperty(cut, async ({ lengths, start, end }) => {
        const { body } = sourceOf(lengths)
        const part = await collect(body.pipeThrough(sliceStream({ start, end })))
        expect(part).toEqual([...bytes.subarray(start, end + 1)])
      }),
      { seed: 5, numRuns: rounds(200) },
    )
  })

  it('reads no further than the part, and tells the source', async () => {
    const { body, read } = sourceOf(Array.from({ length: 100 }, () => 10))
    const part = await collect(body.pipeThrough(sliceStream({ start: 15, end: 34 })))
    expect(part).toHaveLength(20)
    expect(read).toEqual({ bytes: 40, isCancelled: true })
  })

  it('breaks rather than end early, so that no short part looks whole', async () => {
    for (const [start, end] of [
      [0, 30],
      [25, 30],
      [90, 99],
    ] as const) {
      const { body } = sourceOf([10, 20])
      await expect(collect(body.pipeThrough(sliceStream({ start, end })))).rejects.toThrow(
        /ended before/,
      )
    }
  })
})

// What Workers have; elsewhere a stand-in that keeps the same promise.
declare const FixedLengthStream: (new (bytes: number) => TransformStream) | undefined
const fixedLength: FixedLength = (length) =>
  typeof FixedLengthStream === 'undefined' ? exactLength(length) : new FixedLengthStream(length)

describe('sliceBody', () => {
  it('gives the part of the file, piped by the runtime or by us', async () => {
    await fc.assert(
      fc.asyncProperty(cut, fc.boolean(), async ({ lengths, size, start, end }, isOpen) => {
        const range = { start, end: isOpen ? size - 1 : end }
        const wanted = [...bytes.subarray(start, range.end + 1)]
        for (const options of [{ size }, { size, fixedLength }]) {
          for (const type of [undefined, 'bytes'] as const) {
            const { body } = sourceOf(lengths, type)
            expect(await collect(sliceBody(body, range, options))).toEqual(wanted)
          }
        }
      }),
      { seed: 6, numRuns: rounds(50) },
    )
  })

  it('works on the body of an answer, which is the runtime’s own', async () => {
    for (const range of [
      { start: 700, end: 999 },
      { start: 0, end: 10 },
      { start: 5, end: 998 },
    ]) {
      const { body } = new Response(bytes)
      if (body === null) throw new Error('no body')
      const part = await collect(sliceBody(body, range, { size: 1000, fixedLength }))
      expect(part).toEqual([...bytes.subarray(range.start, range.end + 1)])
    }
  })

  it('reads no further than the part, and tells the source', async () => {
    const lengths = Array.from({ length: 100 }, () => 10)
    const { body, read } = sourceOf(lengths, 'bytes')
    const range = { start: 15, end: 34 }
    expect(await collect(sliceBody(body, range, { size: 1000, fixedLength }))).toHaveLength(20)
    expect(read).toEqual({ bytes: 40, isCancelled: true })
  })

  it('lets go of the source when the reader leaves', async () => {
    const lengths = Array.from({ length: 100 }, () => 10)
    const { body, read } = sourceOf(lengths, 'bytes')
    const part = sliceBody(body, { start: 15, end: 900 }, { size: 1000, fixedLength })
    const reader = part.getReader()
    await reader.read()
    await reader.cancel('gone')
    await expect.poll(() => read.isCancelled).toBe(true)
    expect(read.bytes).toBeLessThan(100)
  })

  it('breaks rather than end early', async () => {
    for (const range of [
      { start: 40, end: 49 },
      { start: 20, end: 40 },
      { start: 20, end: 49 },
    ]) {
      const { body } = sourceOf([10, 20], 'bytes')
      await expect(collect(sliceBody(body, range, { size: 50, fixedLength }))).rejects.toThrow()
    }
  })
})
