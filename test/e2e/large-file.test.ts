/**
 * A large file through the Node door: it is never held in memory, and its first byte does not wait for its last.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Child, startServer } from '../lib/child.ts'
import { citedFiles, json, responseRequest } from '../lib/harness.ts'
import { growthOver } from './memory.ts'

const megabyte = 1_000_000
const size = 500 * megabyte

describe.skipIf(process.platform !== 'linux')('a file of 500 MB', () => {
  let upstream: Child
  let gateway: Child
  beforeAll(async () => {
    upstream = await startServer({ CFILE_STORE: 'memory:' })
    gateway = await startServer({
      CFILE_STORE: 'memory:',
      AZURE_OPENAI_ENDPOINT: upstream.url,
      AZURE_OPENAI_API_KEY: 'any',
    })
  })
  afterAll(() => Promise.all([upstream.stop(), gateway.stop()]))

  it('takes less than 64 MB of memory, and its first byte arrives long before its last', async () => {
    const ask = async (prompt: string) => {
      const answer = await fetch(
        `${gateway.url}/openai/v1/responses`,
        json(responseRequest(prompt)),
      )
      const [file] = citedFiles(await answer.json())
      return `${gateway.url}/files/${file?.file_id}`
    }
    const large = await ask('Save a 500 MB binary file')
    // What a process takes with its first downloads is not what a large one takes.
    const small = await ask('Save a 20 MB binary file')
    for (let round = 0; round < 5; round++) await drain(await fetch(small))

    const started = performance.now()
    let [bytes, firstAt] = [0, 0]
    const grown = await growthOver(gateway, async () => {
      const drained = await drain(await fetch(large))
      bytes = drained.bytes
      firstAt = drained.firstAt
    })
    const took = performance.now() - started

    const growth = grown / megabyte
    const first = firstAt - started
    process.stdout.write(
      `500 MB: RSS grew by ${growth.toFixed(0)} MB; first byte after ${first.toFixed(0)} ms of ${took.toFixed(0)} ms\n`,
    )
    expect(bytes).toBe(size)
    expect(growth).toBeLessThan(64)
    expect(first).toBeLessThan(took / 4)
  })
})

async function drain({ body }: Response): Promise<{ bytes: number; firstAt: number }> {
  let bytes = 0
  let firstAt = Number.NaN
  for await (const chunk of body ?? []) {
    if (bytes === 0) firstAt = performance.now()
    bytes += chunk.byteLength
  }
  return { bytes, firstAt }
}
