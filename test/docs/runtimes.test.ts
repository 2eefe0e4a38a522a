import { describe, expect, it } from 'vitest'
import { readReport, replaceTable, runtimesTable } from '../../scripts/runtimes.ts'
import { read } from '../deploy/files.ts'
import { doors } from '../e2e/runtimes/doors.ts'
import { suite } from '../e2e/runtimes/suite.ts'

describe('the table of runtimes in README.md', () => {
  it('has each door, each test and each known gap of the HTTP suite', () => {
    const results = doors.map(({ runtime, storage }) => {
      const gaps = suite.flatMap(({ gaps = {} }) => gaps[runtime] ?? [])
      return { runtime, storage, passed: suite.length - gaps.length, total: suite.length, gaps }
    })
    expect(read('README.md')).toContain(`-->\n\n${runtimesTable(results)}\n<!-- /runtimes -->`)
  })

  it('is written from a report, which counts a known gap as not passed', () => {
    const test = (title: string, status = 'passed') => ({
      ancestorTitles: ['Bun with SQLite, folder'],
      title,
      status,
    })
    const assertionResults = [test('a'), test('b (known gap: no HEAD)'), test('c', 'failed')]
    const results = readReport({ testResults: [{ assertionResults }] })
    expect(results).toEqual([
      { runtime: 'Bun', storage: 'SQLite, folder', passed: 1, total: 3, gaps: ['no HEAD'] },
    ])
    expect(replaceTable(read('README.md'), results)).toContain('| 1 of 3 ')
  })
})
