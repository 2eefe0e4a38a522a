/**
 * Random downloads from an upstream that does everything wrong, on each runtime with its own way of carrying.
 */

import { describe, expect, it } from 'vitest'
import {
  createWebCarrier,
  type FixedLength,
  largePiecesCarrier,
} from '../../src/core/bytes/carrier.ts'
import { type CitedFile, openHarness, sha256 } from '../lib/harness.ts'
import { rounds } from '../lib/rounds.ts'

const { FixedLengthStream } = globalThis as unknown as {
  FixedLengthStream?: new (bytes: number) => ReturnType<FixedLength>
}
const createCarrier = FixedLengthStream
  ? largePiecesCarrier((bytes) => new FixedLengthStream(bytes), Date.now)
  : createWebCarrier

const random = xorshift(1_125)
const below = (limit: number) => Math.floor(random() * limit)

function xorshift(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

interface Original extends CitedFile {
  readonly bytes: number
}

/** What befalls one request: nothing the second time in three, so that most downloads come through. */
function anyFault(bytes: number, isFirst: boolean): object {
  const at = below(bytes + 1)
  const kinds = [{ cut_after: at }, { end_after: at }, { stall_after: at }]
  if (!isFirst) kinds.push(...([{ change_content: 0 }, { status: 503 }, {}, {}, {}, {}] as never[]))
  return kinds[below(kinds.length)] ?? {}
}

describe('a download from an upstream where everything goes wrong', () => {
  it('is whole and right, or visibly broken', { timeout: 1_200_000 }, async () => {
    const gateway = openHarness({ createCarrier, idleTimeoutMs: 40 })
    const files: Original[] = []
    for (let n = 0; n < 8; n++) {
      const bytes = Math.ceil(Math.exp(random() * Math.log(5e6)))
      const [file] = await gateway.respond(`Save a ${bytes} bytes binary file.`)
      if (file !== undefined) files.push({ ...file, bytes })
    }
    const hashes = new Map<string, string[]>()
    for (const { container_id, file_id } of files) {
      const path = `/containers/${container_id}/files/${file_id}/content`
      const whole = await (await gateway.upstream(path)).arrayBuffer()
      const other = new Uint8Array(whole).map((byte) => byte ^ 1)
      // Where nothing was sent yet, the other file may be had as well as the first, but never both.
      hashes.set(file_id, [await sha256(whole), await sha256(other.buffer)])
    }
    const count = { whole: 0, broken: 0, refused: 0 }
    for (let n = rounds(20); n > 0; n--) {
      const file = files[below(files.length)]
      if (file === undefined) break
      await gateway.emulator.request('/emulator/faults', { method: 'DELETE' })
      const match = { path: `${file.file_id}/content` }
      const moods = { match, times: 100, range: random() < 0.5, no_length: random() < 0.3 }
      const faults = [0, 1, 2, 3].map((at) => ({ match, ...anyFault(file.bytes, at === 0) }))
      await gateway.fault([moods, ...faults])
      const answer = await gateway.ask(`/files/${file.file_id}`)
      const body = answer.ok ? await answer.arrayBuffer().catch(() => undefined) : undefined
      count[answer.ok ? (body ? 'whole' : 'broken') : 'refused'] += 1
      if (answer.ok && body) expect(hashes.get(file.file_id)).toContain(await sha256(body))
    }
    expect(count.whole, JSON.stringify(count)).toBeGreaterThan(count.broken)
  })
})
