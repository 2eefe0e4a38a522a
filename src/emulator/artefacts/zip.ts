/**
 * Writes a zip of a few small stored files (APPNOTE 6.3).
 *
 * @module
 */

import { crc32, join, littleEndian } from './bytes.ts'

// 1 January 2026 in MS-DOS format.
const date = ((2026 - 1980) << 9) | (1 << 5) | 1
const namesAreUtf8 = 0x0800

/** Packs texts and bytes under their paths. */
export function storedZip(
  files: Readonly<Record<string, string | Uint8Array>>,
): Uint8Array<ArrayBuffer> {
  const locals: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let offset = 0
  for (const [path, file] of Object.entries(files)) {
    const name = join(path)
    const data = join(file)
    const size = data.byteLength
    // The local header and the directory entry share the fields from "version needed" to "extra field length".
    const shared = littleEndian(
      '2222244422',
      20,
      namesAreUtf8,
      0,
      0,
      date,
      crc32(data),
      size,
      size,
      name.byteLength,
      0,
    )
    const local = join('PK\x03\x04', shared, name, data)
    locals.push(local)
    const place = littleEndian('22244', 0, 0, 0, 0, offset)
    directory.push(join('PK\x01\x02', littleEndian('2', 20), shared, place, name))
    offset += local.byteLength
  }
  const count = directory.length
  const size = join(...directory).byteLength
  const end = littleEndian('2222442', 0, 0, count, count, size, offset, 0)
  return join(...locals, ...directory, 'PK\x05\x06', end)
}
