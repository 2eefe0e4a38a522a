/**
 * A body on its way out: counted, and cut, ended or stalled where a fault says so.
 *
 * @module
 */

/** What happens to a body; the limits are bytes. */
export interface Metering {
  /** Told of every piece that the reader took. */
  readonly sent?: (bytes: number) => void
  /** After so many it breaks. */
  readonly cutAfter?: number
  /** After so many it ends as though it were whole. */
  readonly endAfter?: number
  /** After so many nothing comes any more. */
  readonly stallAfter?: number
  /** Breaks it at any time, as a `fetch` that is aborted does. */
  readonly signal?: AbortSignal
}

/** The same bytes, as far as they may go; nothing is read ahead. */
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

/** Never comes back; throws once the signal is aborted. */
export function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason))
  })
}
