/**
 * How much memory a program takes.
 */

import { readFileSync } from 'node:fs'
import type { Child } from '../lib/child.ts'

/** What a program has in memory (RSS), in bytes; on Linux. */
export function residentBytes({ pid }: Child): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

/** By how many bytes a program grows, at the most, while something is done. */
export async function growthOver(child: Child, work: () => Promise<unknown>): Promise<number> {
  const before = residentBytes(child)
  let peak = before
  const watch = setInterval(() => {
    peak = Math.max(peak, residentBytes(child))
  }, 20)
  await work().finally(() => clearInterval(watch))
  return peak - before
}
