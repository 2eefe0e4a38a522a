import { describe, expect, it } from 'vitest'
import type { ByteReader } from '../../../src/core/bytes/reader.ts'
import { type ZipEntry, zipFiles, zipLength, zipNames } from '../../../src/core/zip/zip.ts'

const gigabyte = 1024 ** 3

/** A file that is not held in memory: all of its pieces are the same bytes. */
function entry(name: string, bytes: number, more: Partial<ZipEntry> = {}): ZipEntry {
  let left = bytes
  return {
    name,
    bytes,
    time: 1_790_000_000,
    open: async () => ({
      async read() {
        const length = Math.min(left, 1000)
        left -= length
        return length > 0 ? new Uint8Array(length).fill(65) : undefined
      },
      cancel: async () => {},
    }),
    ...more,
  }
}

async function collect(reader: ByteReader): Promise<Uint8Array> {
  const bytes: number[] = []
  for (let piece = await reader.read(); piece !== undefined; piece = await reader.read()) {
    bytes.push(...piece)
  }
  return new Uint8Array(bytes)
}

describe('a zip', () => {
  it('has the size that was computed before', async () => {
    const names = [[], ['a'], ['a', 'out/b.txt', 'Größe.csv', '😀']]
    for (const list of names) {
      const entries = list.map((name, index) => entry(name, index * 1500))
      const length = zipLength(entries)
      expect((await collect(zipFiles(entries))).byteLength).toBe(length)
    }
  })

  it('of no files is an empty archive', async () => {
    const empty = await collect(zipFiles([]))
    expect([...empty]).toEqual([0x50, 0x4b, 5, 6, ...new Array(18).fill(0)])
  })

  it('uses zip64 fields if 32 bits are not enough', () => {
    const plain = (name: string) => 30 + name.length + 16 + 46 + name.length
    const small = zipLength([entry('a', 4 * gigabyte - 2)]) ?? 0
    expect(small - (4 * gigabyte - 2) - plain('a') - 22).toBe(0x4c)
    const large = zipLength([entry('a', 5 * gigabyte)]) ?? 0
    expect(large - 5 * gigabyte).toBe(plain('a') + 20 + 8 + 20 + 76 + 22)
    const far = zipLength([entry('a', 3 * gigabyte), entry('b', 3 * gigabyte)]) ?? 0
    expect(far - 6 * gigabyte).toBe(2 * plain('a') + 76 + 22)
    const many = Array.from({ length: 65_535 }, () => entry('a', 0))
    expect(zipLength(many)).toBe(65_535 * plain('a') + 76 + 22)
  })

  it('fails when a file fails', async () => {
    const broken = entry('b', 10, {
      open: async () => ({
        read: async () => {
          throw new Error('gone')
        },
        cancel: async () => {},
      }),
    })
    await expect(collect(zipFiles([entry('a', 5), broken]))).rejects.toThrow('gone')
  })

  it('opens each file when the file before it has ended, and closes it when the reader stops', async () => {
    const seen: string[] = []
    const watched = (name: string): ZipEntry =>
      entry(name, 5000, {
        open: async (signal) => {
          seen.push(`open ${name}`)
          signal.addEventListener('abort', () => seen.push(`abort ${name}`))
          const read = async () => new Uint8Array(1000)
          return { read, cancel: async () => void seen.push(`cancel ${name}`) }
        },
      })
    const zip = zipFiles([watched('a'), watched('b')])
    expect(seen).toEqual([])
    await zip.read()
    await zip.read()
    await zip.cancel()
    expect(seen).toEqual(['open a', 'abort a', 'cancel a'])
  })
})

describe('names in a zip', () => {
  it('stay inside the folder in which the archive is unpacked', () => {
    const hostile: [path: string, name: string][] = [
      ['../../etc/passwd', '__/__/etc/passwd'],
      ['/etc/passwd', 'etc/passwd'],
      ['..\\..\\evil.exe', '.._.._evil.exe'],
      ['C:\\Windows\\evil.exe', 'C__Windows_evil.exe'],
      ['c:/evil.exe', 'c_/evil.exe'],
      ['a/./b', 'a/_/b'],
      ['a//b', 'a/b'],
      ['', '_'],
      ['/', '_'],
      ['..', '__'],
      ['nul\0byte.txt', 'nul_byte.txt'],
      ['line\r\nbreak.txt', 'line__break.txt'],
      ['photo\u202egpj.exe', 'photo_gpj.exe'],
      ['\u2066x\u2069.txt', '_x_.txt'],
    ]
    for (const [path, name] of hostile) expect(zipNames([path]), path).toEqual([name])
  })

  it('stay unchanged if they are safe', () => {
    const names = [
      'a.txt',
      'out/b c.csv',
      'Größe €.png',
      '图表.xlsx',
      '😀.txt',
      '.hidden',
      'at 12:30.txt',
    ]
    expect(zipNames(names)).toEqual(names)
  })

  it('are unique, also on case-insensitive systems', () => {
    expect(zipNames(['a.txt', 'a.txt', 'A.TXT', 'a (2).txt'])).toEqual([
      'a.txt',
      'a (2).txt',
      'A (3).TXT',
      'a (2) (2).txt',
    ])
    expect(zipNames(['out/a.tar.gz', 'out/a.tar.gz', '.b', '.b', 'c', 'c'])).toEqual([
      'out/a.tar.gz',
      'out/a.tar (2).gz',
      '.b',
      '.b (2)',
      'c',
      'c (2)',
    ])
  })
})
