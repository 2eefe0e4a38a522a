/**
 * Memory of a large download: a few pieces, independent of its length.
 */

import { describe, expect, it } from 'vitest'
import { openHarness } from '../lib/harness.ts'

const most = 64e6

/** Reads an answer to its end and returns the growth of the process in bytes. */
async function growthOver(answer: Response): Promise<{ bytes: number; growth: number }> {
  const before = process.memoryUsage.rss()
  let [bytes, peak] = [0, 0]
  for await (const piece of answer.body ?? []) {
    bytes += piece.byteLength
    peak = Math.max(peak, process.memoryUsage.rss())
  }
  return { bytes, growth: peak - before }
}

describe('memory', () => {
  it('grows by at most 64 MB during a download or a zip of 300 MB', async () => {
    const gateway = openHarness()
    const [small] = await gateway.respond('Save a 30 MB binary file.')
    const [large] = await gateway.respond('Save a 300 MB binary file.')
    await growthOver(await gateway.ask(`/files/${small?.file_id}`))
    for (const path of [
      `/files/${large?.file_id}`,
      `/containers/${large?.container_id}/files.zip`,
    ]) {
      const { bytes, growth } = await growthOver(await gateway.ask(path))
      expect(bytes).toBeGreaterThanOrEqual(300e6)
      expect(growth).toBeLessThan(most)
    }
  })
})
