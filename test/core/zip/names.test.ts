import { describe, expect, it } from 'vitest'
import { zipNames } from '../../../src/core/zip/names.ts'

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
