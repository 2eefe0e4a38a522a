/**
 * A zip of a few small files (APPNOTE 6.3), stored as they are.
 *
 * @module
 */

import { join, littleEndian } from './bytes.ts'
import { crc32 } from './crc32.ts'

// 1 January 2026 as MS-DOS writes dates.
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
    // From "version needed" to "extra field length", the local header and the directory's are alike.
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
