import { expect, it } from 'vitest'
import { createMetrics } from '../../src/core/metrics.ts'

it('writes what Prometheus reads, with a zero for what has not happened yet', () => {
  const metrics = createMetrics()
  metrics.add('cfile_requests_total', 1, 'family="files",status="2xx"')
  metrics.add('cfile_requests_total', 1, 'family="files",status="2xx"')
  metrics.add('cfile_requests_total', 1, 'family="v1",status="5xx"')
  metrics.add('cfile_delivered_bytes_total', 1_000_000)
  metrics.add('cfile_downloads_in_flight')
  metrics.add('cfile_downloads_in_flight', -1)
  const lines = metrics.toText().split('\n')
  expect(lines.at(-1)).toBe('')
  expect(lines.filter((line) => !line.startsWith('#') && line !== '')).toEqual([
    'cfile_requests_total{family="files",status="2xx"} 2',
    'cfile_requests_total{family="v1",status="5xx"} 1',
    'cfile_delivered_bytes_total 1000000',
    'cfile_downloads_in_flight 0',
    'cfile_archive_errors_total 0',
  ])
  expect(lines).toContain('# TYPE cfile_downloads_in_flight gauge')
  expect(lines.filter((line) => line.startsWith('# HELP'))).toHaveLength(4)
})
