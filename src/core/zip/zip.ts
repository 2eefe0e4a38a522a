/**
 * Writes zip archives of stored files (APPNOTE 6.3.10) as a stream, and chooses names in them that are safe to unpack on
 * every system. Only the central directory is held in memory. If all file sizes are known, so is the size of the archive.
 * Sizes beyond 32 bits, and sizes that are unknown when a file begins, use zip64 fields.
 *
 * @module
 */

import type { ByteReader } from '../bytes/reader.ts'
import { concatBytes } from '../http/body.ts'
import { cleanFilename } from '../http/content-disposition.ts'
import { createCrc32 } from './crc32.ts'

/** A file to be added. */
export interface ZipEntry {
  /** Safe path within the archive: see {@link zipNames}. */
  readonly name: string
  /** Size in bytes, if known. */
  readonly bytes?: number
  /** Modification time in unix seconds. */
  readonly time: number
  /** Opens the file. It must deliver exactly `bytes` bytes or fail. */
  open(signal: AbortSignal): Promise<ByteReader>
}

const most32 = 0xffffffff
const most16 = 0xffff

interface Placed {
  readonly name: Uint8Array
  readonly time: number
  readonly offset: number
  readonly bytes?: number
  /** Whether the sizes need 64 bits. The first header must already say so. */
  readonly isLarge: boolean
}

interface Written extends Placed {
  readonly bytes: number
  readonly crc: number
}

/**
 * The size of an archive in bytes; `undefined` if the size of a file is unknown.
 *
 * @param entries as they will be given to {@link zipFiles}, in the same order
 */
export function zipLength(entries: readonly Omit<ZipEntry, 'open'>[]): number | undefined {
  let offset = 0
  let directory = 0
  for (const entry of entries) {
    const { bytes } = entry
    if (bytes === undefined) return undefined
    const file = { ...place(entry, offset), bytes, crc: 0 }
    directory += directoryHeader(file).byteLength
    offset += localHeader(file).byteLength + bytes + descriptor(file).byteLength
  }
  return offset + directory + directoryEnd(entries.length, directory, offset).byteLength
}

/**
 * Writes an archive, one file after the other. A file is opened when it is its turn, and its header is written after
 * its first bytes arrived. If the first file fails, nothing has been sent yet.
 *
 * @param entries with different names, in the order of the archive
 * @throws (by a read) the error of the file that failed: the archive is then incomplete
 */
export function zipFiles(entries: readonly ZipEntry[]): ByteReader {
  const closed = new AbortController()
  const crc32 = createCrc32()
  let current: ByteReader | undefined

  async function* make(): AsyncGenerator<Uint8Array, undefined> {
    const directory: Uint8Array[] = []
    let offset = 0
    for (const entry of entries) {
      const placed = place(entry, offset)
      const header = localHeader(placed)
      current = await entry.open(closed.signal)
      let piece = await current.read()
      yield header
      let crc = 0
      let bytes = 0
      for (; piece !== undefined; piece = await current.read()) {
        crc = crc32(piece, crc)
        bytes += piece.byteLength
        yield piece
      }
      const file = { ...placed, crc, bytes }
      const end = descriptor(file)
      yield end
      directory.push(directoryHeader(file))
      offset += header.byteLength + bytes + end.byteLength
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

function place({ name, time, bytes }: Omit<ZipEntry, 'open'>, offset: number): Placed {
  const isLarge = bytes === undefined || bytes >= most32
  return { name: textEncoder.encode(name), time, offset, bytes, isLarge }
}

/** Packs little-endian fields from pairs of width in bytes and value. */
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

// Bit 3: sizes and CRC follow the data. Bit 11: names are UTF-8.
const flags = 0x0808
const stored = 0

/**
 * The fields that both headers of a file share.
 *
 * @param lengths the sizes as far as they fit into 32 bits
 */
function common(file: Placed, crc: number, lengths: number, extra: Uint8Array) {
  const { date, time } = dosTime(file.time)
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
    [2, file.name.byteLength],
    [2, extra.byteLength],
  ] as const
}

function localHeader(file: Placed): Uint8Array {
  const { isLarge, bytes = 0 } = file
  const extra = isLarge ? zip64(bytes, bytes) : new Uint8Array()
  const start = fields([4, 0x04034b50], ...common(file, 0, isLarge ? most32 : 0, extra))
  return concatBytes([start, file.name, extra])
}

function descriptor({ bytes, crc, isLarge }: Written): Uint8Array {
  const width = isLarge ? 8 : 4
  return fields([4, 0x08074b50], [4, crc], [width, bytes], [width, bytes])
}

function directoryHeader(file: Written): Uint8Array {
  const { name, offset, crc, bytes, isLarge } = file
  const isFar = offset >= most32
  const beyond = [...(isLarge ? [bytes, bytes] : []), ...(isFar ? [offset] : [])]
  const extra = beyond.length > 0 ? zip64(...beyond) : new Uint8Array()
  const start = fields(
    [4, 0x02014b50],
    // "Made by Unix", so that the mode rw-r--r-- below counts.
    [2, (3 << 8) | 45],
    ...common(file, crc, isLarge ? most32 : bytes, extra),
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

/** DOS time: steps of two seconds since 1980, in UTC. */
function dosTime(seconds: number): { date: number; time: number } {
  const at = new Date(Math.max(seconds, 315_532_800) * 1000)
  return {
    date: ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
  }
}

/**
 * Converts paths to names in an archive: relative, without `.`, `..`, drive letters, backslashes, control characters
 * and direction marks. A name that would overwrite another, also on case-insensitive systems, gets a number: `a.txt`,
 * `a (2).txt`.
 *
 * @param paths below `/mnt/data/`, of any content
 * @returns as many names, in the same order
 */
export function zipNames(paths: readonly string[]): string[] {
  const taken = new Set<string>()
  return paths.map((path) => {
    const name = safePath(path)
    let free = name
    for (let n = 2; taken.has(free.toLowerCase()); n++) free = numbered(name, n)
    taken.add(free.toLowerCase())
    return free
  })
}

function safePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '')
  return parts.map(safePart).join('/') || '_'
}

function safePart(part: string): string {
  // Windows interprets a drive letter in any part.
  return cleanFilename(part).replace(/^([A-Za-z]):/, '$1_')
}

/** Inserts a number before the extension of the last part. A leading dot begins no extension. */
function numbered(name: string, n: number): string {
  const [, stem = name, ending = ''] = /^(.*[^/])(\.[^./]*)$/s.exec(name) ?? []
  return `${stem} (${n})${ending}`
}
