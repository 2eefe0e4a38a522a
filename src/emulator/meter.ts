/**
 * Counts a response body, and breaks, ends or stalls it if a fault says so.
 *
 * @module
 */

/** The limits of a body, in bytes. */
export interface Metering {
  /** Called with the size of each piece that the reader took. */
  readonly sent?: (bytes: number) => void
  /** The body fails after this many bytes. */
  readonly cutAfter?: number
  /** The body ends normally after this many bytes. */
  readonly endAfter?: number
  /** The body stalls after this many bytes. */
  readonly stallAfter?: number
  /** Breaks the body when it fires, as an aborted `fetch` does. */
  readonly signal?: AbortSignal
}

/** Passes the bytes within the limits. Does not read ahead. */
export function meter(
  body: ReadableStream<Uint8Array>,
  { sent, cutAfter = Infinity, endAfter = Infinity, stallAfter = Infinity, signal }: Metering,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const limit = Math.min(cutAfter, endAfter, stallAfter)
  let passed = 0
  return new ReadableStream(
    {
      async pull(controller) {
        signal?.throwIfAborted()
        if (passed === limit) return breakOff(controller)
        const { done, value } = await reader.read()
        if (done) return controller.close()
        const piece = value.subarray(0, limit - passed)
        passed += piece.byteLength
        sent?.(piece.byteLength)
        controller.enqueue(piece)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )

  async function breakOff(controller: ReadableStreamDefaultController): Promise<void> {
    const reason = new TypeError('The emulator cut the body off.')
    await reader.cancel(reason)
    if (limit === cutAfter) return controller.error(reason)
    if (limit === endAfter) return controller.close()
    await aborted(signal)
  }
}

/** Never resolves; rejects when the signal fires. */
export function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason))
  })
}
