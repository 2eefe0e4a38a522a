/**
 * Normalizes the requests of host servers. Some have no signal, some abort it at the wrong time, and some have a body that
 * stalls.
 *
 * @module
 */

import { stopped } from '../../core/bytes/failures.ts'
import { watchIdle } from '../../core/bytes/limit.ts'
import type { Wait } from '../../core/time.ts'

/** Options of {@link hostRequest}. */
interface HostRequestOptions {
  readonly wait: Wait
  /** Longest pause between two pieces of a body, in milliseconds. */
  readonly idleTimeoutMs: number
}

/**
 * Returns the request with a body that fails after the idle timeout, and with a signal that aborts only when the client
 * has disconnected.
 *
 * Requests of Azure Functions have no signal. Those of srvx 0.8 and 0.9 abort it when the body has been read. So a signal
 * that aborts while the body is read is ignored. If the client has disconnected, the body fails.
 *
 * @param raw the request as the host server made it
 * @returns the same object for a GET or HEAD that has a signal
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

/** Returns a proxy of the request with another body and signal. */
function withParts(raw: Request, parts: Parts): Request {
  // The target is not the request itself, since a proxy must not change properties that are fixed on its target.
  const target: Request = Object.create(Object.getPrototypeOf(raw))
  return new Proxy(target, {
    get(_, name) {
      if (name === 'body' || name === 'signal') return parts[name]
      // Getters and methods of a request work only with the request itself as `this`.
      const value = Reflect.get(raw, name, raw)
      return typeof value === 'function' ? value.bind(raw) : value
    },
  })
}

/** Creates the body and the signal of a request with a body. */
function partsOf(
  raw: Request,
  body: NonNullable<Request['body']>,
  signal: AbortSignal,
  options: HostRequestOptions,
): Parts {
  const client = new AbortController()
  const disconnect = (): void => client.abort(signal.reason)
  if (!/^multipart\//i.test(raw.headers.get('content-type') ?? '')) {
    return { body: watchReading(body, signal, disconnect, options), signal: client.signal }
  }
  // Uploads are not wrapped, so that the runtime's own stream is passed on. It is watched when it is sent.
  signal.addEventListener('abort', () => body.locked || disconnect(), { once: true })
  return { body, signal: client.signal }
}

/**
 * Wraps a body with the idle timeout.
 *
 * @param signal the host's signal, which counts only while the body is not being read
 * @param disconnect called when the client has disconnected
 */
function watchReading(
  body: NonNullable<Request['body']>,
  signal: AbortSignal,
  disconnect: () => void,
  { wait, idleTimeoutMs }: HostRequestOptions,
): NonNullable<Request['body']> {
  const idle = watchIdle(wait, idleTimeoutMs)
  let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined
  let isBeingRead = false
  signal.addEventListener('abort', () => isBeingRead || disconnect(), { once: true })
  const stopReading = (): void => {
    isBeingRead = false
  }
  const end = (): void => {
    idle.stop()
    stopReading()
    if (signal.aborted) disconnect()
  }
  const pull = async (controller: ReadableStreamDefaultController): Promise<void> => {
    isBeingRead = true
    reader ??= body.getReader()
    try {
      const { done, value } = await idle.watch(reader.read())
      if (!done) return controller.enqueue(value)
      idle.stop()
      // The host may abort the signal in the same turn of the event loop.
      wait(0).then(stopReading, stopReading)
      controller.close()
    } catch (error) {
      end()
      reader.cancel(error).catch(() => {})
      throw stopped(error, idleTimeoutMs)
    }
  }
  const cancel = (reason: unknown): Promise<void> => {
    end()
    return reader === undefined ? body.cancel(reason) : reader.cancel(reason)
  }
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 })
}
