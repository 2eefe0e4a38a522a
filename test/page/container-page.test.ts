import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { containerPage, type PageFile } from '../../src/page/container-page.ts'
import { rounds } from '../lib/rounds.ts'

const file: PageFile = {
  filename: 'chart.png',
  bytes: 2171,
  created_at: 1_790_000_000,
  download_url: 'https://files.example.com/a',
}
const page = (files: readonly PageFile[], secondsLeft?: number) =>
  containerPage({
    containerId: 'cntr_1',
    files,
    zipUrl: 'https://files.example.com/z',
    nonce: 'n',
    secondsLeft,
  })

describe('the page of a container', () => {
  it('lets no name become markup, whatever the code interpreter called its file', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...`<>"'&=/ ax`) }), (filename) => {
        const plain = page([{ ...file, filename: '' }])
        const tags = (text: string) => text.match(/<[a-z!/][^>]*>/gi)?.length
        expect(tags(page([{ ...file, filename }]))).toBe(tags(plain))
      }),
      { numRuns: rounds(200), seed: 7 },
    )
  })

  it('shows a picture where there is a link to show it, and the ending where there is none', () => {
    expect(page([{ ...file, preview_url: 'https://files.example.com/p' }])).toContain(
      '<img src="https://files.example.com/p" alt="chart.png"',
    )
    expect(page([{ ...file, filename: 'table.csv' }])).toContain('>csv</span>')
  })

  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '1.0 KB'],
    [2171, '2.2 KB'],
    [999_499, '999 KB'],
    [999_999, '1.0 MB'],
    [12_345_678, '12 MB'],
    [2_000_000_000, '2.0 GB'],
  ])('writes %i bytes as a person would', (bytes, text) => {
    expect(page([{ ...file, bytes }])).toContain(`<small>${text} ·`)
  })

  it('says how long the files are still there', () => {
    expect(page([file], 1500)).toContain('At most 25 minutes left')
    expect(page([file], 20)).toContain('At most 1 minute left')
    expect(page([file], 0)).toContain('these are the copies that were kept')
  })

  it('says no size of a zip where that of a file is not known', () => {
    expect(page([file, { ...file, bytes: 1000 }])).toContain('.zip, 3.2 KB)')
    expect(page([file, { ...file, bytes: null }])).toContain('.zip, size unknown)')
  })

  it('offers no zip of nothing', () => {
    expect(page([])).not.toContain('.zip')
  })
})
