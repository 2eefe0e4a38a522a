/**
 * CRC-32 as in zip (ISO 3309). It processes eight bytes at a time, which is four times as fast as single bytes.
 *
 * @module
 */

/**
 * Continues a CRC.
 *
 * @param before the CRC of the bytes before these; 0 at the start
 */
type Crc32 = (bytes: Uint8Array, before?: number) => number

/** Creates the function that computes CRCs. Its tables take 8 KB, so that they are not made before the first zip. */
export function createCrc32(): Crc32 {
  const tables = makeTables()
  return (bytes, before = 0) => crc32(tables, bytes, before)
}

function crc32(tables: Tables, bytes: Uint8Array, before: number): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables
  const length = bytes.byteLength
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  let crc = ~before
  let at = 0
  for (; at + 8 <= length; at += 8) {
    const low = view.getInt32(at, true) ^ crc
    const high = view.getInt32(at + 4, true)
    crc =
      at8(t7, low) ^
      at8(t6, low >>> 8) ^
      at8(t5, low >>> 16) ^
      at8(t4, low >>> 24) ^
      at8(t3, high) ^
      at8(t2, high >>> 8) ^
      at8(t1, high >>> 16) ^
      at8(t0, high >>> 24)
  }
  for (; at < length; at++) crc = (crc >>> 8) ^ at8(t0, crc ^ view.getUint8(at))
  return ~crc >>> 0
}

type Table = Uint32Array
type Tables = readonly [Table, Table, Table, Table, Table, Table, Table, Table]

function at8(table: Table, index: number): number {
  return table[index & 0xff] as number
}

function makeTables(): Tables {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
    return crc
  })
  const next = (table: Table): Table => table.map((crc) => (crc >>> 8) ^ at8(first, crc))
  const second = next(first)
  const third = next(second)
  const fourth = next(third)
  const fifth = next(fourth)
  const sixth = next(fifth)
  const seventh = next(sixth)
  return [first, second, third, fourth, fifth, sixth, seventh, next(seventh)]
}
