/**
 * What is counted, in the text format of Prometheus. No label holds an id or an owner.
 *
 * @module
 */

const kinds = {
  cfile_requests_total: 'counter Requests answered, by family of routes and class of status.',
  cfile_delivered_bytes_total: 'counter Bytes of files that were handed out.',
  cfile_downloads_in_flight: 'gauge Downloads under way.',
  cfile_archive_errors_total: 'counter Copies that could not be written, read or erased.',
  cfile_healed_total: 'counter Containers that were gone and got a replacement.',
} as const

/** The name of something that is counted. */
export type Metric = keyof typeof kinds

/** The counts of one app. */
export interface Metrics {
  /**
   * @param by may be negative for what rises and falls
   * @param labels as they are written: `family="files"`
   */
  add(name: Metric, by?: number, labels?: string): void
  /**
   * All counts, for a scraper.
   *
   * @see https://prometheus.io/docs/instrumenting/exposition_formats/
   */
  toText(): string
}

/** Begins to count. */
export function createMetrics(): Metrics {
  const series = new Map<Metric, Map<string, number>>()
  for (const name of Object.keys(kinds) as Metric[]) {
    // What has no labels is there from the start, so that a scraper sees the first rise.
    series.set(name, new Map(name === 'cfile_requests_total' ? [] : [['', 0]]))
  }
  return {
    add(name, by = 1, labels = '') {
      const counts = series.get(name)
      counts?.set(labels, (counts.get(labels) ?? 0) + by)
    },
    toText() {
      return [...series].map(([name, counts]) => `${head(name)}${lines(name, counts)}`).join('')
    },
  }
}

function head(name: Metric): string {
  const [kind, ...help] = kinds[name].split(' ')
  return `# HELP ${name} ${help.join(' ')}\n# TYPE ${name} ${kind}\n`
}

function lines(name: Metric, counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .map(([labels, count]) => `${name}${labels && `{${labels}}`} ${count}\n`)
    .join('')
}
