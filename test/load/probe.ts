/**
 * Asks for `/healthz` every 100 ms in a thread of its own, so that the clients' work is not measured: by turns on a kept
 * connection and on a new one, which has to be accepted first. On a message it posts the milliseconds of each answer,
 * and ends.
 */

import { Agent, get } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'

/** Milliseconds of each answer; infinity for one that failed. */
export interface Took {
  readonly kept: number[]
  readonly new: number[]
}

const took: Took = { kept: [], new: [] }
const kept = new Agent({ keepAlive: true })
let turn = 0

function probe(): void {
  turn += 1
  const isKept = turn % 2 === 0
  const began = performance.now()
  const asked = get(`${workerData}/healthz`, { agent: isKept && kept }, (answer) => {
    answer.resume().on('end', () => {
      took[isKept ? 'kept' : 'new'].push(Math.round(performance.now() - began))
    })
  })
  asked.on('error', () => took[isKept ? 'kept' : 'new'].push(Number.POSITIVE_INFINITY))
}

const timer = setInterval(probe, 100)
parentPort?.once('message', () => {
  clearInterval(timer)
  kept.destroy()
  parentPort?.postMessage(took)
})
