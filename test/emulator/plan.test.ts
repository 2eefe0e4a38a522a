import { describe, expect, it } from 'vitest'
import { planFiles } from '../../src/emulator/plan.ts'

const names = (prompt: string) => planFiles(prompt).map(({ name }) => name)

describe('the files for a prompt', () => {
  const prompts: [prompt: string, names: string[]][] = [
    ['Hello, who are you?', []],
    ['Draw a bar chart', ['sales_chart.png']],
    ['Plot it, and save the numbers as a CSV.', ['sales_chart.png', 'sales.csv']],
    ['An Excel sheet please', ['sales.xlsx']],
    ['Write a text file', ['report.txt']],
    ['Save the report as an HTML page.', ['report.html']],
    ['as JSON', ['sales.json']],
    ['a PDF', ['report.pdf']],
    ['all of it in a zip', ['sales.zip']],
    ['3 files', ['file_1.txt', 'file_2.txt', 'file_3.txt']],
    ['two CSV files', ['sales_1.csv', 'sales_2.csv']],
    ['make 2 charts', ['sales_chart_1.png', 'sales_chart_2.png']],
    ['save it as sales report (final).csv', ['sales report (final).csv']],
    ['save it as data.csv.', ['data.csv']],
    ['save as a.csv and b.png', ['a.csv', 'b.png']],
    ['a chart named Umsatz Größe.png, please', ['Umsatz Größe.png']],
    ['as CSV and call it 数据.csv!', ['数据.csv']],
    ['two of them: "a b.csv" and \'c d.tar.gz\'', ['a b.csv', 'c d.tar.gz']],
    ['write `out/t.csv` and t.csv', ['out/t.csv', 't.csv']],
    ['"../../evil.txt"', ['../../evil.txt']],
    ['the same twice: a.csv, a.csv', ['a.csv']],
    ['Draw a chart, and the numbers as "my plot.csv"', ['my plot.csv', 'sales_chart.png']],
    ['an uncited file', ['report.txt', 'scratch.txt']],
    ['a 5 MB binary file', ['data.bin']],
  ]
  it.each(prompts)('%s', (prompt, want) => {
    expect(names(prompt)).toEqual(want)
  })

  const sizes: [prompt: string, files: Record<string, number | undefined>][] = [
    ['a 5 MB binary file', { 'data.bin': 5_000_000 }],
    ['a 500 MB file', { 'data.bin': 500_000_000 }],
    ['1.5GB', { 'data.bin': 1_500_000_000 }],
    ['64 KiB', { 'data.bin': 65_536 }],
    ['2 MiB as x.bin', { 'x.bin': 2_097_152 }],
    ['17 bytes', { 'data.bin': 17 }],
    ['a CSV', { 'sales.csv': undefined }],
    ['a CSV of 5 MB', { 'sales.csv': 5_000_000 }],
    ['a CSV, and a 5 MB binary file', { 'data.bin': 5_000_000, 'sales.csv': undefined }],
    ['a chart and a file of 5 MB', { 'data.bin': 5_000_000, 'sales_chart.png': undefined }],
    ['a 2 MB file as "a.bin", and a chart', { 'a.bin': 2_000_000, 'sales_chart.png': undefined }],
    ['2 files of 10 bytes', { 'file_1.txt': 10, 'file_2.txt': 10 }],
  ]
  it.each(sizes)('sizes: %s', (prompt, files) => {
    const planned = planFiles(prompt).map(({ name, bytes }) => [name, bytes])
    expect(Object.fromEntries(planned)).toStrictEqual(files)
  })

  it('makes as many as requested, up to a thousand', () => {
    expect(names('250 files')).toHaveLength(250)
    expect(names('9999 files')).toHaveLength(1000)
  })
})
