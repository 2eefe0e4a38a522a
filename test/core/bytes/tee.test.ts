import { describe, expect, it } from 'vitest'
import type { ByteReader } from '../../../src/core/bytes/reader.ts'
import { shareBytes } from '../../../src/core/bytes/tee.ts'

function source(pieces: number, onCancel: () => void = () => {}): ByteReader {
  let sent = 0
  return {
    async read() {
      if (sent === pieces) return undefined
      sent += 1
      return new Uint8Array(1000).fill(sent)
    },
    cancel: async () => onCancel(),
  }
}

async function bytesOf(reader: ByteReader): Promise<Uint8Array> {
  const pieces: Uint8Array<ArrayBuffer>[] = []
  for (let piece = await reader.read(); piece; piece = await reader.read())
    pieces.push(piece.slice())
  return new Uint8Array(await new Blob(pieces).arrayBuffer())
}

describe('bytes with two readers', () => {
  it('gives both all of it', async () => {
    const { first, second } = shareBytes(source(50), 1_000_000)
    const [one, two] = await Promise.all([bytesOf(first), bytesOf(second)])
    expect(one).toHaveLength(50_000)
    expect(two).toEqual(one)
  })

  it('lets the second read on to the end when the first goes away', async () => {
    const { first, second } = shareBytes(source(50), 1_000_000)
    await first.read()
    await first.cancel()
    expect(await bytesOf(second)).toHaveLength(50_000)
  })

  it('breaks the second, and never holds up the first, when it falls behind', async () => {
    const { first, second } = shareBytes(source(50), 5000)
    expect(await bytesOf(first)).toHaveLength(50_000)
    await expect(bytesOf(second)).rejects.toThrow('fell behind')
  })

  it('goes on for the first when the second is cancelled', async () => {
    const { first, second } = shareBytes(source(50), 1_000_000)
    await second.cancel()
    expect(await bytesOf(first)).toHaveLength(50_000)
  })

  it('breaks both where the source does', async () => {
    const broken = { ...source(1), read: () => Promise.reject(new Error('cut')) }
    const { first, second } = shareBytes(broken, 1000)
    const both = await Promise.allSettled([bytesOf(first), bytesOf(second)])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  it('cancels the source when neither reader needs it any more', async () => {
    let isCancelled = false
    const { first, second } = shareBytes(
      source(50, () => {
        isCancelled = true
      }),
      1000,
    )
    await second.cancel()
    await first.cancel()
    expect(isCancelled).toBe(true)
  })
})
