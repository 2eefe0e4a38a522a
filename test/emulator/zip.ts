/** Reads a zip by its directory, and checks that each local header agrees. */
export function readZip(bytes: Uint8Array): Record<string, string> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const text = (at: number, length: number) =>
    new TextDecoder().decode(bytes.subarray(at, at + length))
  const end = bytes.byteLength - 22
  if (text(end, 4) !== 'PK\x05\x06') throw new Error('It has no end of directory.')
  const files: Record<string, string> = {}
  let at = view.getUint32(end + 16, true)
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    if (text(at, 4) !== 'PK\x01\x02') throw new Error('The directory is broken.')
    const [size, nameLength] = [view.getUint32(at + 24, true), view.getUint16(at + 28, true)]
    const local = view.getUint32(at + 42, true)
    const shared = (from: number) => bytes.subarray(from, from + 26).join()
    if (shared(local + 4) !== shared(at + 6)) throw new Error('A local header differs.')
    const name = text(at + 46, nameLength)
    files[name] = text(local + 30 + nameLength, size)
    at += 46 + nameLength
  }
  if (at !== end) throw new Error('The directory has another size.')
  return files
}
