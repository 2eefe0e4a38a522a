/** Reads the files of a zip without compression, by its central directory. */
export function unzip(zip: Uint8Array<ArrayBuffer>): Map<string, Uint8Array<ArrayBuffer>> {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength)
  const end = zip.byteLength - 22
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  let at = view.getUint32(end + 16, true)
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    const [size32, nameLength] = [view.getUint32(at + 24, true), view.getUint16(at + 28, true)]
    const local = view.getUint32(at + 42, true)
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true)
    const extra = at + 46 + nameLength
    const name = new TextDecoder().decode(zip.subarray(at + 46, extra))
    // The zip64 field comes first, and its first value is the length of the file.
    const size = size32 < 0xffffffff ? size32 : Number(view.getBigUint64(extra + 4, true))
    files.set(name, zip.slice(start, start + size))
    at = extra + view.getUint16(at + 30, true)
  }
  return files
}
