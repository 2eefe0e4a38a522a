/**
 * Writes a zip of a few small stored files (APPNOTE 6.3), and a workbook (XLSX), which is such a zip. Also has the
 * byte helpers that PNG needs too.
 *
 * @module
 */

// 1 January 2026 in MS-DOS format.
const date = ((2026 - 1980) << 9) | (1 << 5) | 1
const namesAreUtf8 = 0x0800

/**
 * Packs texts and bytes under their paths.
 *
 * @param files contents by path, in the order of the archive; paths are written as they are
 */
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

const xml = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
const schemas = 'http://schemas.openxmlformats.org'
const office = `${schemas}/officeDocument/2006/relationships`
const main = `${schemas}/spreadsheetml/2006/main`
const packaged = `${schemas}/package/2006`
const format = 'application/vnd.openxmlformats-'

/**
 * A workbook with one sheet. Cells are numbers and plain words.
 *
 * @param title name of the sheet, of at most 31 letters, digits and blanks
 * @param rows of two cells each
 * @see https://ecma-international.org/publications-and-standards/standards/ecma-376/
 */
export function spreadsheet(
  title: string,
  rows: readonly (readonly (string | number)[])[],
): Uint8Array<ArrayBuffer> {
  const cells = rows.map(
    (row, y) =>
      `<row r="${y + 1}">${row.map((value, x) => cell(value, `${'AB'[x]}${y + 1}`)).join('')}</row>`,
  )
  const part = (name: string, type: string) =>
    `<Override PartName="/xl/${name}.xml" ContentType="${format}officedocument.spreadsheetml.${type}+xml"/>`
  return storedZip({
    '[Content_Types].xml': `${xml}<Types xmlns="${packaged}/content-types"><Default Extension="rels" ContentType="${format}package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${part('workbook', 'sheet.main')}${part('worksheets/sheet1', 'worksheet')}</Types>`,
    '_rels/.rels': relationship('officeDocument', 'xl/workbook.xml'),
    'xl/workbook.xml': `${xml}<workbook xmlns="${main}" xmlns:r="${office}"><sheets><sheet name="${title}" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relationship('worksheet', 'worksheets/sheet1.xml'),
    'xl/worksheets/sheet1.xml': `${xml}<worksheet xmlns="${main}"><sheetData>${cells.join('')}</sheetData></worksheet>`,
  })
}

function relationship(type: string, target: string): string {
  return `${xml}<Relationships xmlns="${packaged}/relationships"><Relationship Id="rId1" Type="${office}/${type}" Target="${target}"/></Relationships>`
}

function cell(value: string | number, place: string): string {
  if (typeof value === 'number') return `<c r="${place}"><v>${value}</v></c>`
  return `<c r="${place}" t="inlineStr"><is><t>${value}</t></is></c>`
}

/**
 * Concatenates texts (as UTF-8) and bytes.
 *
 * @param parts in their order
 */
export function join(...parts: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const pieces = parts.map((part) =>
    typeof part === 'string' ? new TextEncoder().encode(part) : part,
  )
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0))
  let offset = 0
  for (const piece of pieces) {
    whole.set(piece, offset)
    offset += piece.byteLength
  }
  return whole
}

/**
 * Encodes numbers in the given number of bytes each, little-endian.
 *
 * @param widths one digit for each number: its bytes
 * @param numbers unsigned
 */
function littleEndian(widths: string, ...numbers: readonly number[]): Uint8Array {
  return Uint8Array.from(
    numbers.flatMap((number, index) =>
      Array.from({ length: Number(widths[index]) }, (_, byte) => (number >>> (8 * byte)) & 0xff),
    ),
  )
}

/**
 * Encodes an unsigned number in four bytes, big-endian.
 *
 * @param number below 2 ** 32
 */
export function bigEndian32(number: number): Uint8Array {
  return littleEndian('4', number).reverse()
}

/**
 * The unsigned CRC-32 of bytes.
 *
 * @param bytes of a small file: it is computed bit by bit, on purpose unlike the implementation under test
 */
export function crc32(bytes: Uint8Array): number {
  let crc = -1
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
