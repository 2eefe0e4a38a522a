/**
 * Zip archives whose files are stored as they are (APPNOTE 6.3.10), made while they are read: nothing is held but the
 * directory, and the length is known before. Lengths beyond 32 bits take the zip64 fields.
 *
 * @module
 */

import { concatBytes } from './body.ts'
import { crc32 } from './crc32.ts'
import type { ByteReader } from './pieces.ts'

/** A file to be zipped. */
export interface ZipEntry {
  /** Its path within the archive, made safe: see `zip-names.ts`. */
  readonly name: string
  readonly bytes: number
  /** Unix seconds. */
  readonly time: number
  /** Opens the file; exactly `bytes` bytes come, or it breaks. */
  open(signal: AbortSignal): Promise<ByteReader>
}

const most32 = 0xffffffff
const most16 = 0xffff

interface Placed {
  readonly entry: ZipEntry
  readonly name: Uint8Array
  readonly offset: number
  readonly crc: number
}

/** How long the archive of these files is, in bytes. */
export function zipLength(entries: readonly Omit<ZipEntry, 'open'>[]): number {
  let offset = 0
  let directory = 0
  for (const entry of entries) {
    const name = encode(entry.name)
    const placed = { entry: entry as ZipEntry, name, offset, crc: 0 }
    directory += directoryHeader(placed).byteLength
    offset += localHeader(placed).byteLength + entry.bytes + descriptor(placed).byteLength
  }
  return offset + directory + directoryEnd(entries.length, directory, offset).byteLength
}

/** Makes the archive, one file after the other; each is opened when its turn comes. */
export function zipFiles(entries: readonly ZipEntry[]): ByteReader {
  const closed = new AbortController()
  let current: ByteReader | undefined

  async function* make(): AsyncGenerator<Uint8Array, undefined> {
    const directory: Uint8Array[] = []
    let offset = 0
    for (const entry of entries) {
      const begun = { entry, name: encode(entry.name), offset, crc: 0 }
      const header = localHeader(begun)
      yield header
      current = await entry.open(closed.signal)
      let crc = 0
      for (let piece = await current.read(); piece !== undefined; piece = await current.read()) {
        crc = crc32(piece, crc)
        yield piece
      }
      const placed = { ...begun, crc }
      const end = descriptor(placed)
      yield end
      directory.push(directoryHeader(placed))
      offset += header.byteLength + entry.bytes + end.byteLength
    }
    const headers = concatBytes(directory)
    yield headers
    yield directoryEnd(entries.length, headers.byteLength, offset)
  }

  const made = make()
  return {
    read: async () => (await made.next()).value,
    async cancel(reason) {
      closed.abort(reason)
      await current?.cancel(reason)
    },
  }
}

const textEncoder = new TextEncoder()

function encode(name: string): Uint8Array {
  return textEncoder.encode(name)
}

/** Little-endian fields, one after the other: pairs of a width in bytes and a value. */
function fields(...pairs: readonly (readonly [width: 2 | 4 | 8, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(pairs.reduce((sum, [width]) => sum + width, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const [width, value] of pairs) {
    if (width === 2) view.setUint16(at, value, true)
    else view.setUint32(at, value % 2 ** 32, true)
    if (width === 8) view.setUint32(at + 4, Math.floor(value / 2 ** 32), true)
    at += width
  }
  return bytes
}

// The lengths and the CRC follow the bytes (bit 3), and names are UTF-8 (bit 11).
const flags = 0x0808
const stored = 0

/** What both headers of a file begin with; `lengths` are those that fit into 32 bits. */
function common({ entry, name }: Placed, crc: number, lengths: number, extra: Uint8Array) {
  const { date, time } = dosTime(entry.time)
  const version = extra.byteLength > 0 ? 45 : 20
  return [
    [2, version],
    [2, flags],
    [2, stored],
    [2, time],
    [2, date],
    [4, crc],
    [4, lengths],
    [4, lengths],
    [2, name.byteLength],
    [2, extra.byteLength],
  ] as const
}

function localHeader(placed: Placed): Uint8Array {
  const { bytes } = placed.entry
  const isLarge = bytes >= most32
  const extra = isLarge ? zip64(bytes, bytes) : new Uint8Array()
  const start = fields([4, 0x04034b50], ...common(placed, 0, isLarge ? most32 : 0, extra))
  return concatBytes([start, placed.name, extra])
}

function descriptor({ entry: { bytes }, crc }: Placed): Uint8Array {
  const width = bytes >= most32 ? 8 : 4
  return fields([4, 0x08074b50], [4, crc], [width, bytes], [width, bytes])
}

function directoryHeader(placed: Placed): Uint8Array {
  const { entry, name, offset, crc } = placed
  const { bytes } = entry
  const isFar = offset >= most32
  const isLarge = bytes >= most32
  const beyond = [...(isLarge ? [bytes, bytes] : []), ...(isFar ? [offset] : [])]
  const extra = beyond.length > 0 ? zip64(...beyond) : new Uint8Array()
  const start = fields(
    [4, 0x02014b50],
    // Made on Unix, so that the mode below counts: rw-r--r--.
    [2, (3 << 8) | 45],
    ...common(placed, crc, isLarge ? most32 : bytes, extra),
    [2, 0],
    [2, 0],
    [2, 0],
    [4, 0o100644 * 2 ** 16],
    [4, isFar ? most32 : offset],
  )
  return concatBytes([start, name, extra])
}

function zip64(...values: readonly number[]): Uint8Array {
  return fields([2, 1], [2, values.length * 8], ...values.map((value) => [8, value] as const))
}

function directoryEnd(count: number, length: number, offset: number): Uint8Array {
  const end = fields(
    [4, 0x06054b50],
    [4, 0],
    [2, Math.min(count, most16)],
    [2, Math.min(count, most16)],
    [4, Math.min(length, most32)],
    [4, Math.min(offset, most32)],
    [2, 0],
  )
  if (count < most16 && length < most32 && offset < most32) return end
  const end64 = fields(
    [4, 0x06064b50],
    [8, 44],
    [2, (3 << 8) | 45],
    [2, 45],
    [8, 0],
    [8, count],
    [8, count],
    [8, length],
    [8, offset],
  )
  const locator = fields([4, 0x07064b50], [4, 0], [8, offset + length], [4, 1])
  return concatBytes([end64, locator, end])
}

/** Two-second steps since 1980, in UTC. */
function dosTime(seconds: number): { date: number; time: number } {
  const at = new Date(Math.max(seconds, 315_532_800) * 1000)
  return {
    date: ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
  }
}
