import { describe, expect, it } from 'vitest'
import { findOriginals, isAutoPlot } from '../../../src/core/api/auto-plots.ts'

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
