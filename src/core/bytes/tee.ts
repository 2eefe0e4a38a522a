/**
 * One stream for two readers of whom only the first must be served: what the second misses, it misses.
 *
 * @module
 */

/** A stream that was shared. */
export interface Shared {
  /** Passes the bytes as they are asked for. If it is cancelled, the other reads on alone. */
  readonly first: ReadableStream<Uint8Array>
  /** Passes the same bytes, and breaks where it falls behind. If it is cancelled, the first goes on. */
  readonly second: ReadableStream<Uint8Array>
  /** Cancels the second, whoever reads it. Never throws. */
  dropSecond(reason?: unknown): void
}

/**
 * Shares a stream. The source is cancelled when neither wants it any more.
 *
 * @param most bytes that are kept for the second reader
 */
export function shareStream(source: ReadableStream<Uint8Array>, most: number): Shared {
  const reader = source.getReader()
  const kept: Uint8Array[] = []
  let keptBytes = 0
  let firstIsGone = false
  let secondIsGone = false
  let state: { readonly failure?: unknown } | undefined
  let wake = (): void => {}
  let reading: Promise<Uint8Array | undefined> | undefined

  /** Reads the next bytes for both; two who ask at once get the same. */
  function readOn(): Promise<Uint8Array | undefined> {
    reading ??= readNext().finally(() => {
      reading = undefined
    })
    return reading
  }

  async function readNext(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await reader.read()
      if (done) state = {}
      else keep(value)
      return value
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
    if (keptBytes > most && !firstIsGone) drop()
  }

  function drop(): void {
    kept.length = 0
    secondIsGone = true
  }

  async function leave(reason: unknown): Promise<void> {
    wake()
    if (firstIsGone && secondIsGone) await reader.cancel(reason)
  }

  async function nextForSecond(): Promise<Uint8Array | undefined> {
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
    first: new ReadableStream(
      {
        async pull(controller) {
          const bytes = await readOn()
          if (bytes === undefined) controller.close()
          else controller.enqueue(bytes)
        },
        cancel(reason) {
          firstIsGone = true
          return leave(reason)
        },
      },
      { highWaterMark: 0 },
    ),
    second: new ReadableStream(
      {
        async pull(controller) {
          const bytes = await nextForSecond()
          if (bytes === undefined) controller.close()
          else controller.enqueue(bytes)
        },
        cancel(reason) {
          drop()
          return leave(reason)
        },
      },
      { highWaterMark: 0 },
    ),
    dropSecond(reason) {
      drop()
      leave(reason).catch(() => {})
    },
  }
}
