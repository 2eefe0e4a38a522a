import { describe, expect, it } from 'vitest'
import { shareStream } from '../../../src/core/bytes/tee.ts'

function source(chunks: number, onCancel: () => void = () => {}): ReadableStream<Uint8Array> {
  let sent = 0
  return new ReadableStream(
    {
      pull(controller) {
        if (sent === chunks) return controller.close()
        controller.enqueue(new Uint8Array(1000).fill(sent))
        sent += 1
      },
      cancel: onCancel,
    },
    { highWaterMark: 0 },
  )
}

const bytesOf = async (stream: ReadableStream<Uint8Array>) =>
  new Uint8Array(await new Response(stream).arrayBuffer())

describe('a stream with two readers', () => {
  it('gives both all of it', async () => {
    const { first, second } = shareStream(source(50), 1_000_000)
    const [one, two] = await Promise.all([bytesOf(first), bytesOf(second)])
    expect(one).toHaveLength(50_000)
    expect(two).toEqual(one)
  })

  it('lets the second read on to the end when the first goes away', async () => {
    const { first, second } = shareStream(source(50), 1_000_000)
    const reader = first.getReader()
    await reader.read()
    await reader.cancel()
    expect(await bytesOf(second)).toHaveLength(50_000)
  })

  it('breaks the second, and never holds up the first, when it falls behind', async () => {
    const { first, second } = shareStream(source(50), 5000)
    expect(await bytesOf(first)).toHaveLength(50_000)
    await expect(bytesOf(second)).rejects.toThrow('fell behind')
  })

  it('goes on for the first when the second is dropped, locked or not', async () => {
    for (const lock of [true, false]) {
      const { first, second, dropSecond } = shareStream(source(50), 1_000_000)
      if (lock) second.getReader()
      dropSecond()
      expect(await bytesOf(first)).toHaveLength(50_000)
    }
  })

  it('breaks both where the source does', async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error('cut')),
    })
    const { first, second } = shareStream(broken, 1000)
    const both = await Promise.allSettled([bytesOf(first), bytesOf(second)])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  it('lets the source go when nobody wants it any more', async () => {
    let isCancelled = false
    const { first, dropSecond } = shareStream(
      source(50, () => {
        isCancelled = true
      }),
      1000,
    )
    dropSecond()
    await first.cancel()
    expect(isCancelled).toBe(true)
  })
})
