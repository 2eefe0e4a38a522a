import { expect, it } from 'vitest'
import { createMetrics, label } from '../../../src/core/observe/metrics.ts'

it('writes the Prometheus format, with zero for events that have not happened yet', () => {
  const metrics = createMetrics()
  metrics.add('cfile_requests_total', 1, 'family="files",status="2xx"')
  metrics.add('cfile_requests_total', 1, 'family="files",status="2xx"')
  metrics.add('cfile_requests_total', 1, 'family="v1",status="5xx"')
  metrics.add('cfile_delivered_bytes_total', 1_000_000, 'from="archive"')
  metrics.add('cfile_in_flight', 1, 'family="files"')
  metrics.add('cfile_in_flight', -1, 'family="files"')
  const lines = metrics.toText().split('\n')
  expect(lines.at(-1)).toBe('')
  expect(lines.filter((line) => !line.startsWith('#') && line !== '')).toEqual([
    'cfile_requests_total{family="files",status="2xx"} 2',
    'cfile_requests_total{family="v1",status="5xx"} 1',
    'cfile_delivered_bytes_total{from="archive"} 1000000',
    'cfile_upstream_retries_total 0',
    'cfile_resumptions_total 0',
    'cfile_captured_files_total 0',
    'cfile_archive_errors_total 0',
    'cfile_healed_total 0',
    'cfile_in_flight{family="files"} 0',
    'cfile_archive_pending 0',
  ])
  expect(lines).toContain('# TYPE cfile_in_flight gauge')
  expect(lines.filter((line) => line.startsWith('# HELP'))).toHaveLength(14)
})

it('measures in cumulative buckets, so that quantiles are right', () => {
  const metrics = createMetrics()
  for (const seconds of [0.004, 0.3, 0.5, 700]) {
    metrics.observe('cfile_first_byte_seconds', seconds, 'family="s"')
  }
  const lines = metrics.toText().split('\n')
  expect(lines.filter((line) => line.startsWith('cfile_first_byte_seconds'))).toEqual([
    ...['0.005', '0.01', '0.025', '0.05', '0.1', '0.25'].map(
      (le) => `cfile_first_byte_seconds_bucket{family="s",le="${le}"} 1`,
    ),
    ...['0.5', '1', '2.5', '5', '10', '30', '60', '300', '600'].map(
      (le) => `cfile_first_byte_seconds_bucket{family="s",le="${le}"} 3`,
    ),
    'cfile_first_byte_seconds_bucket{family="s",le="+Inf"} 4',
    'cfile_first_byte_seconds_sum{family="s"} 700.804',
    'cfile_first_byte_seconds_count{family="s"} 4',
  ])
})

it('escapes upstream names that would break a line', () => {
  expect(label({ upstream: 'a"b\\c\nd' })).toBe('upstream="a\\"b\\\\c\\nd"')
})

it('reads a gauge at each scrape', () => {
  const metrics = createMetrics()
  let pending = 1
  metrics.readFrom('cfile_archive_pending', () => pending)
  pending = 7
  expect(metrics.toText()).toContain('cfile_archive_pending 7\n')
})
