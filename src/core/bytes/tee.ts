/**
 * Splits bytes for a client and a background copy. The client sets the pace.
 *
 * @module
 */

import type { ByteReader } from './reader.ts'

/** Bytes that two read. */
interface SharedBytes {
  /** Reads the bytes. If it is cancelled, the second reads on alone. */
  readonly first: ByteReader
  /** Reads the same bytes, and fails when it falls too far behind the first. If it is cancelled, the first reads on. */
  readonly second: ByteReader
}

/**
 * Shares bytes. The source is cancelled when neither reader wants it any more.
 *
 * @param source is read at the pace of the first reader
 * @param most bytes that are kept for the second reader
 * @throws RangeError (by a read of the second) when it falls behind
 */
export function shareBytes(source: ByteReader, most: number): SharedBytes {
  const kept: Uint8Array[] = []
  let keptBytes = 0
  let firstIsGone = false
  let secondIsGone = false
  let state: { readonly failure?: unknown } | undefined
  let wake = (): void => {}
  let reading: Promise<Uint8Array | undefined> | undefined

  /** Reads the next bytes for both; two reads at once get the same bytes. */
  function readOn(): Promise<Uint8Array | undefined> {
    reading ??= readNext().finally(() => {
      reading = undefined
    })
    return reading
  }

  async function readNext(): Promise<Uint8Array | undefined> {
    try {
      const bytes = await source.read()
      if (bytes === undefined) state = {}
      else keep(bytes)
      return bytes
    } catch (failure) {
      state = { failure }
      throw failure
    } finally {
      wake()
    }
  }

  function keep(bytes: Uint8Array): void {
    if (secondIsGone) return
    // The source may use its memory again.
    kept.push(bytes.slice())
    keptBytes += bytes.byteLength
    if (keptBytes > most && !firstIsGone) dropSecond()
  }

  function dropSecond(): void {
    kept.length = 0
    secondIsGone = true
  }

  async function leave(reason: unknown): Promise<void> {
    wake()
    if (firstIsGone && secondIsGone) await source.cancel(reason)
  }

  async function readSecond(): Promise<Uint8Array | undefined> {
    for (;;) {
      const bytes = kept.shift()
      keptBytes -= bytes?.byteLength ?? 0
      if (bytes !== undefined) return bytes
      if (secondIsGone) throw new RangeError('The copy fell behind the download.')
      if (state !== undefined) {
        if ('failure' in state) throw state.failure
        return undefined
      }
      if (firstIsGone) await readOn()
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  }

  return {
    first: {
      read: readOn,
      cancel(reason) {
        firstIsGone = true
        return leave(reason)
      },
    },
    second: {
      read: readSecond,
      cancel(reason) {
        dropSecond()
        return leave(reason)
      },
    },
  }
}
