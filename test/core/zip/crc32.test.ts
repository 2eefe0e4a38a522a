import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCrc32 } from '../../../src/core/zip/crc32.ts'
import { rounds } from '../../lib/rounds.ts'

const crc32 = createCrc32()
const text = (value: string) => new TextEncoder().encode(value)

/** The definition, bit by bit. */
function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

describe('crc32', () => {
  it('has the standard’s check value', () => {
    expect(crc32(text('123456789'))).toBe(0xcbf43926)
    expect(crc32(text(''))).toBe(0)
  })

  it('equals the definition, in pieces of any size', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 })
    fc.assert(
      fc.property(pieces, (parts) => {
        const whole = new Uint8Array(parts.flatMap((part) => [...part]))
        expect(parts.reduce((crc, part) => crc32(part, crc), 0)).toBe(slowCrc(whole))
      }),
      { seed: 2, numRuns: rounds(200) },
    )
  })
})
