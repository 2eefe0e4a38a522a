/**
 * Requests as hosts hand them over: not each has the signal that the web's own have, nor bodies that end.
 *
 * @module
 */

import { stopped } from '../core/bytes/failures.ts'
import { watchIdle } from '../core/bytes/idle.ts'
import type { Wait } from '../core/time.ts'

/** What {@link hostRequest} goes by. */
export interface HostRequestOptions {
  readonly wait: Wait
  /** Milliseconds that a body may be silent while it is read. */
  readonly idleTimeoutMs: number
}

/**
 * The same request with a body that breaks off where nothing comes for too long, and a signal that fires only when the
 * client has gone. Requests of Azure Functions have no signal, and those of srvx 0.8 and 0.9 fire theirs when the body has been read. So a signal that fires while the body is read
 * is not believed: if the client has gone then, the body breaks off.
 */
export function hostRequest(raw: Request, options: HostRequestOptions): Request {
  const given: AbortSignal | undefined = raw.signal
  const isReading = /^(?:GET|HEAD)$/.test(raw.method)
  if (isReading && given !== undefined) return raw
  const signal = given ?? new AbortController().signal
  const body = isReading ? null : raw.body
  return withParts(raw, body === null ? { body, signal } : partsOf(raw, body, signal, options))
}

type Parts = Pick<Request, 'body' | 'signal'>

function withParts(raw: Request, parts: Parts): Request {
  // Not on the request itself: of a property that is fixed there a proxy may tell nothing else.
  const target: Request = Object.create(Object.getPrototypeOf(raw))
  return new Proxy(target, {
    get(_, name) {
      if (name === 'body' || name === 'signal') return parts[name]
      // The class of a request refuses any other `this`.
      const value = Reflect.get(raw, name, raw)
      return typeof value === 'function' ? value.bind(raw) : value
    },
  })
}

function partsOf(
  raw: Request,
  body: NonNullable<Request['body']>,
  signal: AbortSignal,
  options: HostRequestOptions,
): Parts {
  const gone = new AbortController()
  const leave = (): void => gone.abort(signal.reason)
  if (/^multipart\//i.test(raw.headers.get('content-type') ?? '')) {
    // Not wrapped: an upload passes as the runtime's own stream, and is followed where it is sent on.
    signal.addEventListener('abort', () => body.locked || leave(), { once: true })
    return { body, signal: gone.signal }
  }
  let isBeingRead = false
  signal.addEventListener('abort', () => isBeingRead || leave(), { once: true })
  const reader = watchReading(body, options, {
    onRead() {
      isBeingRead = true
    },
    onEnd() {
      const settle = (): void => {
        isBeingRead = false
      }
      // A host may fire the signal in the same turn of the event loop.
      options.wait(0).then(settle, settle)
    },
    onBreak() {
      isBeingRead = false
      if (signal.aborted) leave()
    },
  })
  return { body: reader, signal: gone.signal }
}

interface ReadingWatch {
  onRead(): void
  onEnd(): void
  onBreak(): void
}

function watchReading(
  body: NonNullable<Request['body']>,
  { wait, idleTimeoutMs }: HostRequestOptions,
  { onRead, onEnd, onBreak }: ReadingWatch,
): NonNullable<Request['body']> {
  const idle = watchIdle(wait, idleTimeoutMs)
  let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined
  return new ReadableStream(
    {
      async pull(controller) {
        onRead()
        reader ??= body.getReader()
        try {
          const { done, value } = await idle.watch(reader.read())
          if (!done) return controller.enqueue(value)
          idle.stop()
          onEnd()
          controller.close()
        } catch (error) {
          idle.stop()
          onBreak()
          reader.cancel(error).catch(() => {})
          throw stopped(error, idleTimeoutMs)
        }
      },
      cancel(reason) {
        idle.stop()
        onBreak()
        return reader === undefined ? body.cancel(reason) : reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
