/**
 * Counters, gauges and histograms in the Prometheus text format. No label contains an id or an owner.
 *
 * @module
 */

const counters = {
  cfile_requests_total: 'Requests answered, by family of routes and class of status.',
  cfile_delivered_bytes_total: 'Bytes of files sent to clients, by source.',
  cfile_upstream_requests_total:
    'Requests sent to an upstream, by its name and the status of the answer; error: no answer.',
  cfile_upstream_retries_total: 'Requests that were sent to an upstream again.',
  cfile_resumptions_total: 'Downloads that broke off and were resumed.',
  cfile_captured_files_total: 'Files that were recorded for the first time.',
  cfile_containers_total:
    'Containers that were recorded for the first time, by upstream; Azure bills each as a session.',
  cfile_archive_copies_total: 'Attempts to copy a file into the archive that ended, by result.',
  cfile_archive_errors_total: 'Copies that could not be written, read or erased.',
  cfile_healed_total: 'Expired containers that were replaced.',
} as const

const gauges = {
  cfile_in_flight: 'Requests in progress, by family of routes.',
  cfile_archive_pending: 'Files in the copy queue of this instance.',
} as const

const histograms = {
  cfile_request_duration_seconds: 'Time to the last byte of the answer, by family of routes.',
  cfile_first_byte_seconds: 'Time to the first byte of the answer, by family of routes.',
} as const

/** Metrics that only rise. */
type Counter = keyof typeof counters
/** Metrics that rise and fall. */
type Gauge = keyof typeof gauges
/** Metrics of durations in seconds. */
type Histogram = keyof typeof histograms

/** The metrics of one app. Labels are passed as text made by {@link label}, so that frequent callers make it once. */
export interface Metrics {
  /**
   * Adds to a metric.
   *
   * @param by negative only for a gauge
   */
  add(name: Counter | Gauge, by?: number, labels?: string): void
  observe(name: Histogram, seconds: number, labels: string): void
  /** Registers a function that gives a gauge's value at each scrape. */
  readFrom(name: Gauge, read: () => number): void
  /**
   * Writes all metrics for a scraper.
   *
   * @see https://prometheus.io/docs/instrumenting/exposition_formats/
   */
  toText(): string
}

/**
 * Writes labels: `{ family: 'files' }` becomes `family="files"`.
 *
 * @param values must come from closed lists, because each combination becomes a series that is never removed
 */
export function label(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escapeLabel)}"`)
    .join(',')
}

function escapeLabel(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`
}

const unlabelled: readonly (Counter | Gauge)[] = [
  'cfile_upstream_retries_total',
  'cfile_resumptions_total',
  'cfile_captured_files_total',
  'cfile_archive_errors_total',
  'cfile_healed_total',
  'cfile_archive_pending',
]

/** Creates all metrics at zero. */
export function createMetrics(): Metrics {
  const values = new Map<string, Map<string, number>>()
  const buckets = new Map<string, Map<string, Buckets>>()
  const readers = new Map<Gauge, () => number>()
  const names = [...Object.keys(counters), ...Object.keys(gauges)]
  for (const name of names) values.set(name, new Map())
  for (const name of Object.keys(histograms)) buckets.set(name, new Map())
  // Added at zero, so that a scraper sees the first increase.
  for (const name of unlabelled) values.get(name)?.set('', 0)
  return {
    add(name, by = 1, labels = '') {
      const series = values.get(name)
      series?.set(labels, (series.get(labels) ?? 0) + by)
    },
    observe(name, seconds, labels) {
      const series = buckets.get(name)
      let found = series?.get(labels)
      if (found === undefined) {
        found = createBuckets()
        series?.set(labels, found)
      }
      found.observe(seconds)
    },
    readFrom: (name, read) => void readers.set(name, read),
    toText() {
      for (const [name, read] of readers) values.get(name)?.set('', read())
      return [
        ...texts('counter', counters, (name) => lines(name, values.get(name))),
        ...texts('gauge', gauges, (name) => lines(name, values.get(name))),
        ...texts('histogram', histograms, (name) =>
          [...(buckets.get(name) ?? [])].map(([labels, found]) => found.toText(name, labels)),
        ),
      ].join('')
    },
  }
}

function texts(
  type: string,
  helps: Readonly<Record<string, string>>,
  lines: (name: string) => readonly string[],
): string[] {
  return Object.entries(helps).map(
    ([name, help]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines(name).join('')}`,
  )
}

function lines(name: string, series: ReadonlyMap<string, number> = new Map()): string[] {
  return [...series].map(([labels, value]) => line(name, labels, value))
}

function line(name: string, labels: string, value: number): string {
  return `${name}${labels && `{${labels}}`} ${value}\n`
}

// Seconds: from a download of an archived file to a model that runs code for minutes.
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600]

interface Buckets {
  observe(seconds: number): void
  toText(name: string, labels: string): string
}

function createBuckets(): Buckets {
  // One count for each bound, and one for longer durations.
  const counts = new Float64Array(bounds.length + 1)
  let sum = 0
  return {
    observe(seconds) {
      sum += seconds
      let at = 0
      while (at < bounds.length && seconds > (bounds[at] ?? 0)) at += 1
      counts[at] = (counts[at] ?? 0) + 1
    },
    toText(name, labels) {
      let below = 0
      const cumulated = [...bounds, '+Inf'].map((bound, at) => {
        below += counts[at] ?? 0
        return line(`${name}_bucket`, `${labels},le="${bound}"`, below)
      })
      return [
        ...cumulated,
        line(`${name}_sum`, labels, sum),
        line(`${name}_count`, labels, below),
      ].join('')
    },
  }
}
