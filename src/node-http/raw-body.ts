/**
 * A body as Node's own machinery has it: chunks that are pushed, and a tap that can be turned off. A web stream is made
 * of it only where somebody reads one.
 *
 * @module
 */

/** Takes the chunks of a body. */
export interface Sink {
  /** Resolves to whether more may come at once; if not, the sink calls `resume` of the body when it may. */
  write(chunk: Uint8Array): boolean
  end(): void
  fail(error: Error): void
}

/** The tap of a body. */
export interface Tap {
  pause(): void
  resume(): void
  /** Closes the connection that the body comes from. */
  abort(reason: Error): void
}

/** A body that nobody has read yet. */
export interface RawBody {
  /** Pushes everything to the sink; to be called once. */
  flow(sink: Sink): void
  resume(): void
  cancel(reason?: unknown): void
}

/** The writing end of a {@link RawBody}. */
export interface RawBodySource extends Sink {
  readonly body: RawBody
}

// A small body is there as soon as its head is, and need not wait for a tap that is turned off and on.
const mostUnread = 16 * 1024

/** Makes a body; what comes before anybody reads is held, and beyond 16 KiB of it the tap is turned off. */
export function createRawBody(tap: Tap): RawBodySource {
  const held: Uint8Array[] = []
  let heldBytes = 0
  let ending: { readonly error?: Error } | undefined
  let sink: Sink | undefined

  function settle(): void {
    if (sink === undefined || ending === undefined || held.length > 0) return
    if (ending.error === undefined) sink.end()
    else sink.fail(ending.error)
  }

  function hold(chunk: Uint8Array): boolean {
    held.push(chunk)
    heldBytes += chunk.byteLength
    return heldBytes < mostUnread
  }

  return {
    write(chunk) {
      const isWanted = sink === undefined ? hold(chunk) : sink.write(chunk)
      if (!isWanted) tap.pause()
      return isWanted
    },
    end() {
      ending ??= {}
      settle()
    },
    fail(error) {
      ending ??= { error }
      settle()
    },
    body: {
      flow(taker) {
        sink = taker
        let isWanted = true
        for (const chunk of held.splice(0)) isWanted = taker.write(chunk)
        settle()
        if (isWanted && ending === undefined) tap.resume()
      },
      resume: () => tap.resume(),
      cancel(reason) {
        held.length = 0
        if (ending === undefined) {
          tap.abort(
            reason instanceof Error ? reason : new Error('The body is not wanted any more.'),
          )
        }
      },
    },
  }
}

/** The web stream of a body. */
export function toWebStream(body: RawBody): ReadableStream<Uint8Array> {
  let isFlowing = false
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (isFlowing) return body.resume()
        isFlowing = true
        body.flow({
          write(chunk) {
            controller.enqueue(chunk)
            return (controller.desiredSize ?? 0) > 0
          },
          end: () => controller.close(),
          fail: (error) => controller.error(error),
        })
      },
      cancel: (reason) => body.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
