/**
 * Everything that a runtime provides: network, clock, random numbers, timers, and its own replacements for web standards.
 * Code below the app gets these as arguments.
 *
 * @module
 */

import { type CreateCarrier, createWebCarrier, type FixedLength } from './core/bytes/carrier.ts'
import type { Connect } from './core/http/websocket.ts'
import type { Hmac } from './core/links/keys.ts'
import { type TelemetryApi, telemetryKey } from './core/observe/telemetry.ts'
import type { Wait, WaitSignal } from './core/time.ts'
import type { AnswerDocs } from './routes/docs.ts'

/** Functions of a runtime. The app has web-standard defaults for those that every runtime has. */
export interface Runtime {
  readonly fetch: typeof fetch
  /** Whether `fetch` has decoded these content codings, although the answer still has the header. */
  readonly fetchUndoes: (codings: string) => boolean
  /** Unix seconds. */
  readonly now: () => number
  /** Milliseconds of a monotonic clock, for durations. */
  readonly clock: () => number
  readonly wait: Wait
  /** A number from 0 to 1, for jitter only. */
  readonly random: () => number
  /** Keeps the instance alive for work that no answer waits for. */
  readonly waitUntil: (work: Promise<unknown>) => void
  /** HMAC-SHA-256. @default WebCrypto, which is slower on Node since it uses another thread */
  readonly createHmac?: (secret: Uint8Array) => Hmac
  /** Creates the carrier, which moves bytes from the upstream to the client. @default web streams */
  readonly createCarrier: CreateCarrier
  /** Opens WebSockets with custom headers. @default no WebSockets are served */
  readonly connect?: Connect
  /** Needed in Workers to set the `Content-Length` of a streamed body. */
  readonly fixedLength?: FixedLength
  /** Returns the OpenTelemetry API, if the host app has registered it. */
  readonly telemetry: () => TelemetryApi | undefined
  /** Reads a text file, if the runtime has a file system. */
  readonly readFile?: (path: string) => Promise<string>
  /** Answers `/docs`. @default a list of the routes, without a script */
  readonly answerDocs?: AnswerDocs
}

/** The global under which the packages of the OpenTelemetry API share their registration. */
interface Registry {
  readonly [telemetryKey]?: TelemetryApi
}

/** Web-standard defaults that work in every runtime. */
export const webRuntime: Runtime = {
  // Called as a plain function, since workerd refuses `fetch` as a method of another object.
  fetch: (input, init) => fetch(input, init),
  fetchUndoes,
  now: () => Math.floor(Date.now() / 1000),
  wait: sleep,
  random: () => Math.random(),
  clock: () => performance.now(),
  telemetry: () => (globalThis as Registry)[telemetryKey],
  waitUntil: (work) => void work.catch(() => {}),
  createCarrier: createWebCarrier,
}

/** Resolves after `ms` milliseconds. Rejects with the reason of the signal when that aborts. */
function sleep(ms: number, signal?: WaitSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}

/**
 * Whether the `fetch` of this runtime decodes content codings when `Accept-Encoding` was set explicitly, as it is here.
 * Node decodes every coding that it supports (Fetch standard), Bun only one, Workers `gzip` and `br`, Deno none.
 */
function fetchUndoes(codings: string): boolean {
  const { userAgent = 'Node.js' } = globalThis.navigator ?? {}
  if (userAgent === 'Cloudflare-Workers') return codings === 'gzip' || codings === 'br'
  const applied = codings.split(',').map((coding) => coding.trim())
  const most = userAgent.startsWith('Deno/') ? 0 : userAgent.startsWith('Bun/') ? 1 : 5
  return applied.length <= most && applied.every((coding) => known.test(coding))
}

const known = /^(?:gzip|x-gzip|deflate|br|zstd)$/i
