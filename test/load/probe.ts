/**
 * Asks for `/healthz` every 100 ms in a thread of its own, so that the clients' work is not measured. On a message it
 * posts the milliseconds of each answer, and ends.
 */

import { parentPort, workerData } from 'node:worker_threads'

const took: number[] = []

async function probe(): Promise<void> {
  const began = performance.now()
  await fetch(`${workerData}/healthz`).catch(() => {})
  took.push(Math.round(performance.now() - began))
}

const timer = setInterval(probe, 100)
parentPort?.once('message', () => {
  clearInterval(timer)
  parentPort?.postMessage(took)
})
