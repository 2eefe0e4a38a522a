/**
 * Ends the fuzzer when one input takes longer than a minute, and prints the input. It is a thread of its own, since a
 * parser in an endless loop blocks the thread that it runs in.
 *
 * @module
 */

import { isMainThread, Worker, workerData } from 'node:worker_threads'

const mostBytes = 4096
const seconds = 60

/** Notes the input that runs now; `undefined` between two. */
export type Note = (input: Uint8Array | undefined) => void

/** Starts the thread. */
export function startWatchdog(name: string): Note {
  const memory = new SharedArrayBuffer(8 + mostBytes)
  // Number of the input, and its length in bytes; zero between two inputs.
  const numbers = new Int32Array(memory, 0, 2)
  const bytes = new Uint8Array(memory, 8)
  new Worker(new URL(import.meta.url), { workerData: { name, memory } }).unref()
  return (input) => {
    numbers[0] = (numbers[0] ?? 0) + 1
    numbers[1] = input?.length ?? 0
    if (input !== undefined) bytes.set(input.subarray(0, mostBytes))
  }
}

function watch({ name, memory }: { name: string; memory: SharedArrayBuffer }): void {
  const numbers = new Int32Array(memory, 0, 2)
  let last = -1
  setInterval(() => {
    const [number = 0, length = 0] = numbers
    if (number !== last || length === 0) {
      last = number
      return
    }
    const input = Buffer.from(memory, 8, length).toString('latin1')
    process.stdout.write(`${name}: FINDING, no end after ${seconds} s: ${JSON.stringify(input)}\n`)
    process.kill(process.pid, 'SIGKILL')
  }, seconds * 1000)
}

if (!isMainThread) watch(workerData)
