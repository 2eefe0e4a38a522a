import { describe, expect, it } from 'vitest'
import {
  findByPath,
  findOriginals,
  isAutoPlot,
  isGlued,
} from '../../../src/core/api/container-files.ts'
import { decodeOnce } from '../../../src/core/url.ts'

function row(name: string, created_at = 0, bytes: number | null = 1) {
  return { path: `/mnt/data/${name}`, created_at, bytes }
}

function found(names: readonly ReturnType<typeof row>[], path: string): number | undefined {
  const file = findByPath(names, path)
  return file && names.indexOf(file)
}

const prefix = '0123456789abcdef0123456789abcdef-'

describe('the file at a path', () => {
  it('is the newest of its name, in any order of the list', () => {
    expect(found([row('a.csv', 1), row('a.csv', 3), row('a.csv', 2)], 'a.csv')).toBe(1)
    expect(found([row('a.csv', 3), row('a.csv', 3)], 'a.csv')).toBe(0)
  })

  it('is the newest, both for output of code and for an input with that name', () => {
    expect(found([row(`${prefix}a.csv`, 9), row('a.csv', 1)], 'a.csv')).toBe(0)
    expect(found([row(`${prefix}a.csv`, 1), row('a.csv', 9)], 'a.csv')).toBe(1)
    expect(found([row(`${prefix}a.csv`, 9)], 'a.csv')).toBe(0)
    expect(found([row('file-AbCdEfGhIjKlMnOpQrSt12-a.csv')], 'a.csv')).toBe(0)
    expect(found([row(`out/${prefix}a.csv`)], 'out/a.csv')).toBe(0)
  })

  it('is found by its whole path, with its case', () => {
    const files = [row('out/a.csv'), row('B.csv')]
    expect(found(files, 'a.csv')).toBeUndefined()
    expect(found(files, 'b.csv')).toBeUndefined()
    expect(found(files, '')).toBeUndefined()
    expect(found(files, 'out/a.csv')).toBe(0)
  })

  it('is found by the path as written before a decoded path', () => {
    const files = [row('a b.csv'), row('a%20b.csv')]
    expect(found(files, 'a%20b.csv')).toBe(1)
    expect(found(files.slice(0, 1), 'a%20b.csv')).toBe(0)
    expect(found([row('100%.csv')], '100%.csv')).toBe(0)
  })

  it('is found if the model escaped its path for Markdown or HTML', () => {
    const files = [row('q_1 (final).csv'), row('a & b.csv'), row('a\\_b.csv'), row('a_b.csv')]
    expect(found(files, 'q\\_1 \\(final\\).csv')).toBe(0)
    expect(found(files, 'q\\_1%20\\(final\\).csv')).toBe(0)
    expect(found(files, 'a &amp; b.csv')).toBe(1)
    expect(found(files, 'a\\_b.csv')).toBe(2)
    expect(found(files.slice(3), 'a\\_b.csv')).toBe(0)
    expect(found([row('ab.csv')], 'a\\b.csv')).toBeUndefined()
  })

  it('is never a row that consists of several paths', () => {
    const glued = row('a.csv  /mnt/data/b.csv')
    expect(isGlued(glued)).toBe(true)
    expect(found([glued], 'a.csv')).toBeUndefined()
    expect(found([glued], 'a.csv  /mnt/data/b.csv')).toBeUndefined()
  })

  it('is found without a size; of two with the same time, the one with a size wins', () => {
    expect(found([row('a.csv', 1, null)], 'a.csv')).toBe(0)
    expect(found([row('a.csv', 2, null), row('a.csv', 1)], 'a.csv')).toBe(0)
    expect(found([row('a.csv', 1, null), row('a.csv', 1)], 'a.csv')).toBe(1)
  })
})

describe('percent-decoding once', () => {
  it('leaves a text unchanged that cannot be decoded', () => {
    expect(decodeOnce('%C3%9C')).toBe('Ü')
    expect(decodeOnce('100%')).toBe('100%')
    expect(decodeOnce('%2520')).toBe('%20')
  })
})

function file(name: string, bytes: number | null = 10, created_at = 0, source = 'assistant') {
  return { id: name, path: `/mnt/data/${name}`, bytes, created_at, source }
}

function originals(...files: ReturnType<typeof file>[]) {
  return Object.fromEntries(findOriginals(files))
}

describe('an automatic plot', () => {
  it('is recognised by the name that the service generated', () => {
    expect(isAutoPlot('cfile_0a1b2c.png')).toBe(true)
    for (const name of ['chart.png', 'cfile_0a.csv', 'my cfile_0a.png']) {
      expect(isAutoPlot(name), name).toBe(false)
    }
  })

  it('counts as the saved picture of the same run and size', () => {
    expect(originals(file('cfile_1.png'), file('chart.png'))).toEqual({
      'cfile_1.png': 'chart.png',
    })
  })

  it('counts as no other picture if that is not certain', () => {
    const plot = file('cfile_1.png')
    for (const other of [
      file('chart.png', 11),
      file('chart.png', 10, 3600),
      file('chart.csv'),
      file('chart.png', 10, 0, 'user'),
      file('cfile_2.png'),
    ]) {
      expect(originals(plot, other), other.path).toEqual({})
    }
    expect(originals(file('cfile_1.png', null), file('chart.png', null))).toEqual({})
  })

  it('does not match a picture that another plot matches already', () => {
    const pairs = originals(file('cfile_1.png'), file('cfile_2.png'), file('chart.png'))
    expect(pairs).toEqual({ 'cfile_1.png': 'chart.png' })
  })
})
