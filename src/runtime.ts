/**
 * What a runtime gives: network, clock, random, timers, and what some runtimes do better than the web's standards. Below
 * the hall all of it is an argument.
 *
 * @module
 */

import { type Carrier, type FixedLength, webCarrier } from './core/bytes/carrier.ts'
import type { Hmac } from './core/links/hmac.ts'
import { type TelemetryApi, telemetryKey } from './core/observe/telemetry.ts'
import type { Connect } from './core/sockets/socket.ts'
import type { Wait, WaitSignal } from './core/time.ts'

/** What the doors bring; the hall has web-standard defaults for what every runtime has. */
export interface Runtime {
  readonly fetch: typeof fetch
  /** Whether `fetch` has undone these content codings, although its answer still names them. */
  readonly fetchUndoes: (codings: string) => boolean
  /** Unix seconds. */
  readonly now: () => number
  /** Milliseconds of a clock that never goes back, to measure durations. */
  readonly clock: () => number
  readonly wait: Wait
  /** From 0 to 1, for jitter only. */
  readonly random: () => number
  /** Keeps the instance alive for work that no answer waits for. */
  readonly waitUntil: (work: Promise<unknown>) => void
  /** @default WebCrypto, which takes a change of threads on Node */
  readonly createHmac?: (secret: Uint8Array) => Hmac
  /** How bytes get from one side to the other. @default a stream of the web's standards */
  readonly carrier: Carrier
  /** Opens WebSockets with headers of ours. @default none are served */
  readonly connect?: Connect
  /** Where an answer with a body of ours has a `Content-Length` only through it: Workers. */
  readonly fixedLength?: FixedLength
  /** The API of OpenTelemetry, where the host app has registered it. */
  readonly telemetry: () => TelemetryApi | undefined
  /** A text file, where there are files. */
  readonly readFile?: (path: string) => Promise<string>
}

/** Where packages of OpenTelemetry's API register what they have in common. */
interface Registry {
  readonly [telemetryKey]?: TelemetryApi
}

/** What every runtime has. */
export const webRuntime: Runtime = {
  // Looked up at each call and called as a plain function: workerd refuses it as a method of anything else.
  fetch: (input, init) => fetch(input, init),
  fetchUndoes,
  now: () => Math.floor(Date.now() / 1000),
  wait: sleep,
  random: () => Math.random(),
  clock: () => performance.now(),
  telemetry: () => (globalThis as Registry)[telemetryKey],
  waitUntil: (work) => void work.catch(() => {}),
  carrier: webCarrier,
}

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
 * What the `fetch` of each runtime does about codings where `Accept-Encoding` was set by hand, as it is here: Node undoes
 * all that it knows, as the Fetch standard says, Bun undoes one, Workers undo `gzip` and `br`, and Deno none.
 */
function fetchUndoes(codings: string): boolean {
  const { userAgent = 'Node.js' } = globalThis.navigator ?? {}
  if (userAgent === 'Cloudflare-Workers') return codings === 'gzip' || codings === 'br'
  const applied = codings.split(',').map((coding) => coding.trim())
  const most = userAgent.startsWith('Deno/') ? 0 : userAgent.startsWith('Bun/') ? 1 : 5
  return applied.length <= most && applied.every((coding) => known.test(coding))
}

const known = /^(?:gzip|x-gzip|deflate|br|zstd)$/i
