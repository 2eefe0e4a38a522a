/**
 * Limits on requests and downloads of one owner. Each instance counts on its own.
 *
 * @module
 */

import type { Carrier } from '../core/bytes/carrier.ts'
import { CfileError } from '../core/errors.ts'
import { once } from '../core/once.ts'

/** Limits for one owner. Absent fields mean no limit. */
interface LimitSettings {
  readonly maxRequestsPerMinute?: number
  /** Concurrent downloads. */
  readonly maxDownloads?: number
  readonly maxDownloadBytesPerHour?: number
}

/** Limits, and the clock and carrier that enforce them. */
interface LimitOptions extends LimitSettings {
  /** Unix seconds. */
  readonly now: () => number
  readonly carrier: Carrier
}

/** Enforces the limits of all owners. Its methods throw `rate_limited` when an owner has reached a limit. */
export interface Limits {
  countRequest(owner: string): void
  /** Begins a download. Absent when downloads have no limit, so that their bodies are not wrapped. */
  readonly openDownload?: (owner: string) => Download
}

/** A download under way. It counts as concurrent until it has ended. */
interface Download {
  /** Wraps the answer; the download ends with its body or when the client disconnects. */
  watch(answer: Response, signal: AbortSignal): Response
  /** Ends a download that got no answer. */
  end(): void
}

/** Creates the limits. */
export function createLimits(options: LimitOptions): Limits {
  const { maxRequestsPerMinute, maxDownloads, maxDownloadBytesPerHour } = options
  const requests = maxRequestsPerMinute && createMeter(maxRequestsPerMinute, 60, options.now)
  const isDownloadLimited = maxDownloads ?? maxDownloadBytesPerHour
  return {
    countRequest(owner) {
      if (!requests) return
      const seconds = requests.wait(owner)
      if (seconds > 0) throw limited(`${maxRequestsPerMinute} requests a minute`, seconds)
      requests.take(owner, 1)
    },
    openDownload: isDownloadLimited ? limitDownloads(options) : undefined,
  }
}

/** Creates the function that begins downloads under the limits. */
function limitDownloads(options: LimitOptions): (owner: string) => Download {
  const { maxDownloads, maxDownloadBytesPerHour, now, carrier } = options
  const open = new Map<string, number>()
  const bytes = maxDownloadBytesPerHour
    ? createMeter(maxDownloadBytesPerHour, 3600, now)
    : undefined
  return (owner) => {
    const count = open.get(owner) ?? 0
    if (maxDownloads !== undefined && count >= maxDownloads) {
      throw limited(`${maxDownloads} downloads at a time`, 1)
    }
    const seconds = bytes ? bytes.wait(owner) : 0
    if (seconds > 0) throw limited(`${maxDownloadBytesPerHour} bytes an hour`, seconds)
    open.set(owner, count + 1)
    const end = once(() => {
      const others = (open.get(owner) ?? 1) - 1
      if (others > 0) open.set(owner, others)
      else open.delete(owner)
    })
    const onBytes = (length: number) => bytes?.take(owner, length)
    return {
      end,
      watch(answer, signal) {
        signal.addEventListener('abort', end, { once: true })
        if (signal.aborted) end()
        if (answer.ok && answer.body !== null) return carrier.watch(answer, { onBytes, onEnd: end })
        end()
        return answer
      },
    }
  }
}

/** Creates the error for a reached limit, with `Retry-After` in seconds. */
function limited(limit: string, seconds: number): CfileError {
  return new CfileError('rate_limited', `This gateway allows one owner at most ${limit}.`, {
    hint: `Try again in ${seconds} s.`,
    headers: { 'retry-after': String(seconds) },
  })
}

/** An allowance for each name. It refills evenly up to `limit`. */
interface Meter {
  /** Takes an amount from the allowance of a name. It may take more than is left; the debt has to refill first. */
  take(name: string, amount: number): void
  /** Whole seconds until at least one is left; 0 when it is. */
  wait(name: string): number
}

/** Most names kept in memory. The least recently used is dropped first. */
const mostNames = 10_000

/**
 * Creates a meter.
 *
 * @param limit allowance for each period
 * @param period seconds
 * @param now unix seconds
 */
export function createMeter(limit: number, period: number, now: () => number): Meter {
  const used = new Map<string, { readonly amount: number; readonly at: number }>()

  function usedBy(name: string): number {
    const { amount, at } = used.get(name) ?? { amount: 0, at: 0 }
    return Math.max(0, amount - ((now() - at) * limit) / period)
  }

  return {
    take(name, amount) {
      const sum = usedBy(name) + amount
      used.delete(name)
      used.set(name, { amount: sum, at: now() })
      for (const oldest of used.keys()) {
        if (used.size <= mostNames) break
        used.delete(oldest)
      }
    },
    wait: (name) => Math.max(0, Math.ceil(((usedBy(name) - (limit - 1)) * period) / limit)),
  }
}
