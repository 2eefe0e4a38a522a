/**
 * The progress of a download: on a terminal one line that is overwritten, elsewhere a line every five seconds.
 *
 * @module
 */

import type { Output } from './command.ts'
import { formatBytes, formatDuration, plain, shorten, widthOf } from './text.ts'

/** Shows the progress of a download. */
interface Progress {
  /** @param total `undefined` if the length is unknown */
  show(name: string, done: number, total: number | undefined): void
  /** Removes the line. */
  clear(): void
}

const terminalEveryMs = 100
const plainEveryMs = 5000

/**
 * Shows the progress of one download after another.
 *
 * @param out the stream for it
 * @param now milliseconds of a monotonic clock
 */
export function createProgress(out: Output, now: () => number = () => performance.now()): Progress {
  let writtenAt = 0
  let isVisible = false
  let meter: ReturnType<typeof createMeter> | undefined
  return {
    show(name, done, total) {
      const time = now()
      if (meter === undefined) {
        meter = createMeter(time, done)
        // A short download gets no line.
        writtenAt = time
      }
      const isDue = time - writtenAt >= (out.isTerminal ? terminalEveryMs : plainEveryMs)
      if (!isDue) return
      writtenAt = time
      isVisible = true
      const state = { name: plain(name), done, total, rate: meter(time, done) }
      // The last column stays free: some terminals wrap a full line.
      const line = formatProgress(state, out.isTerminal ? out.width() - 1 : Number.MAX_SAFE_INTEGER)
      out.write(out.isTerminal ? `\r\x1b[K${line}` : `${line}\n`)
    },
    clear() {
      if (isVisible && out.isTerminal) out.write('\r\x1b[K')
      isVisible = false
      meter = undefined
    },
  }
}

/** The state of a download. */
interface ProgressState {
  readonly name: string
  readonly done: number
  readonly total: number | undefined
  /** Bytes a second; `undefined` at the beginning. */
  readonly rate: number | undefined
}

const leastName = 12

/**
 * Formats the line. If the terminal is too narrow, the size is left out first, then the name is shortened.
 *
 * @param width in terminal columns
 */
export function formatProgress({ name, done, total, rate }: ProgressState, width: number): string {
  const share = total ? `${Math.min(Math.floor((100 * done) / total), 100)}%`.padStart(4) : ''
  const size = total ? `${formatBytes(done)} of ${formatBytes(total)}` : formatBytes(done)
  const speed = rate === undefined ? '' : `${formatBytes(Math.round(rate))}/s`
  const rest = total && rate ? `${formatDuration(Math.ceil((total - done) / rate))} left` : ''
  const parts = (...chosen: readonly string[]) => chosen.filter(Boolean).join('  ')
  const long = parts(share, size, speed, rest)
  const isLong = widthOf(long) + 2 + Math.min(widthOf(name), leastName) <= width
  const numbers = isLong ? long : parts(share || size, rest || speed)
  const room = width - widthOf(numbers) - 2
  return room < Math.min(widthOf(name), leastName)
    ? shorten(numbers, width)
    : parts(shorten(name, room), numbers)
}

const windowMs = 4000

/** Measures the rate over the last seconds, so that it follows a change and does not jump. */
function createMeter(startedAt: number, startedWith: number) {
  const samples: { readonly time: number; readonly done: number }[] = [
    { time: startedAt, done: startedWith },
  ]
  return (time: number, done: number): number | undefined => {
    samples.push({ time, done })
    while (samples.length > 2 && time - (samples[1]?.time ?? time) >= windowMs) samples.shift()
    const [first] = samples
    const elapsed = time - (first?.time ?? time)
    return elapsed < 200 ? undefined : ((done - (first?.done ?? done)) / elapsed) * 1000
  }
}
