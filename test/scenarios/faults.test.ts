/**
 * Random downloads from an upstream with faults, in each runtime with its own carrier.
 */

import { describe, expect, it } from 'vitest'
import {
  createWebCarrier,
  type FixedLength,
  largePiecesCarrier,
} from '../../src/core/bytes/carrier.ts'
import { type CitedFile, openHarness, sha256 } from '../lib/harness.ts'
import { xorshift } from '../lib/random.ts'
import { rounds } from '../lib/rounds.ts'

const { FixedLengthStream } = globalThis as unknown as {
  FixedLengthStream?: new (bytes: number) => ReturnType<FixedLength>
}
const createCarrier = FixedLengthStream
  ? largePiecesCarrier((bytes) => new FixedLengthStream(bytes), Date.now)
  : createWebCarrier

const random = xorshift(1_125)
const below = (limit: number) => Math.floor(random() * limit)

interface Original extends CitedFile {
  readonly bytes: number
}

/** The fault of a request. Two of three retries have none, so that most downloads succeed. */
function anyFault(bytes: number, isFirst: boolean): object {
  const at = below(bytes + 1)
  const kinds = [{ cut_after: at }, { end_after: at }, { stall_after: at }]
  if (!isFirst) kinds.push(...([{ change_content: 0 }, { status: 503 }, {}, {}, {}, {}] as never[]))
  return kinds[below(kinds.length)] ?? {}
}

describe('a download from an upstream with faults', () => {
  it('is complete and correct, or visibly broken', { timeout: 1_200_000 }, async () => {
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
      // Before the first byte was sent, either file is right, but never a mix of both.
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
