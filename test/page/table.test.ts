import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTable } from '../../src/page/file-preview.ts'
import { rounds } from '../lib/rounds.ts'

const rowsOf = (text: string, isWhole = true) => parseTable(text, isWhole).rows

describe('the first rows of a table', () => {
  it('has every cell as it was written, with any content', () => {
    const cell = fc.string({ unit: fc.constantFrom(...`ab",;\t|\n\r `), maxLength: 9 })
    const separators = fc.constantFrom(',', ';', '\t', '|')
    const rows = fc.integer({ min: 2, max: 5 }).chain((width) =>
      fc.array(fc.array(cell, { minLength: width, maxLength: width }), {
        minLength: 1,
        maxLength: 9,
      }),
    )
    fc.assert(
      fc.property(rows, separators, fc.constantFrom('\n', '\r\n'), (cells, separator, end) => {
        const quoted = cells.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`))
        const text = quoted.map((row) => row.join(separator) + end).join('')
        expect(rowsOf(text)).toEqual(cells)
      }),
      { numRuns: rounds(200), seed: 7 },
    )
  })

  it.each([
    [
      'a,b\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a;b,c;d\n1;2;3\n',
      [
        ['a', 'b,c', 'd'],
        ['1', '2', '3'],
      ],
    ],
    ['a\tb\r\n\r\n1\t', [['a', 'b'], [''], ['1', '']]],
    ['"say ""x""",y"z\n', [['say "x"', 'y"z']]],
    ['"a"b,c', [['ab', 'c']]],
    ['"not closed, ever\nx', [['not closed, ever\nx']]],
    ['', [['']]],
  ])('reads %j', (text, rows) => {
    expect(rowsOf(text)).toEqual(rows)
  })

  it('leaves out the row in which the text was cut', () => {
    expect(parseTable('a,b\n1,2\n3,', false)).toEqual({
      rows: [
        ['a', 'b'],
        ['1', '2'],
      ],
      isCut: true,
    })
    expect(rowsOf('a,b', false)).toEqual([['a', 'b']])
  })

  it('bounds rows, columns and cells', () => {
    const { rows, isCut } = parseTable(`${'x,'.repeat(99)}\n`.repeat(99), true)
    expect([rows.length, rows[0]?.length, isCut]).toEqual([51, 30, true])
    expect(rowsOf('y'.repeat(9999))[0]?.[0]).toHaveLength(201)
    expect(parseTable('a,b\n1,2\n', true).isCut).toBe(false)
  })

  it('takes no longer for hostile texts than for others', () => {
    for (const text of ['"', '""', '",', '\n', '"\n', 'a"']) {
      const began = performance.now()
      parseTable(text.repeat(32 * 1024), false)
      expect(performance.now() - began, text).toBeLessThan(5000)
    }
  })
})
