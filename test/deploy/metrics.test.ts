/**
 * The dashboard and the alerts: a query for a metric or label that does not exist shows nothing and never fires.
 */

import { describe, expect, it } from 'vitest'
import { read, readYaml } from './files.ts'
import { metrics } from './names.ts'

interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly gridPos: { x: number; y: number; w: number; h: number }
  readonly targets?: readonly { readonly expr: string }[]
}

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly action: string }
}

const { panels }: { panels: Panel[] } = JSON.parse(read('deploy/grafana/cfile-dashboard.json'))
const rules: Rule[] = readYaml('deploy/prometheus/alerts.yaml').groups.flatMap(
  (group: { rules: Rule[] }) => group.rules,
)
const queries = [
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr }))),
  ...rules.map(({ alert, expr }) => ({ title: alert, expr })),
]

/** The metric that a series belongs to: a histogram has three series. */
function metricOf(series: string): string {
  const name = series.replace(/_(?:bucket|sum|count)$/, '')
  return metrics[name]?.kind === 'histogram' ? name : series
}

/** Labels that Prometheus adds, and the bound of a histogram's bucket. */
const common = ['job', 'instance', 'le']

describe.each(queries)('the query of $title', ({ expr }) => {
  const series = [...expr.matchAll(/\b(cfile_\w+)(?:\{([^}]*)\})?(\[)?/g)]

  it('names metrics that cfile has, with labels that they have', () => {
    expect(series.length + (expr.includes('up{') ? 1 : 0)).toBeGreaterThan(0)
    for (const [, name = '', matchers = ''] of series) {
      const metric = metrics[metricOf(name)]
      expect(metric, name).toBeDefined()
      const grouped = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(', ') ?? []
      const labels = [...matchers.matchAll(/(\w+)[=!]/g)].map(([, label = '']) => label)
      expect([...common, ...(metric?.labels ?? [])]).toEqual(
        expect.arrayContaining([...labels, ...grouped]),
      )
    }
  })

  it('computes rates of counters only', () => {
    for (const [, name = '', , range] of series) {
      const kind = metrics[metricOf(name)]?.kind
      expect(range === '[', name).toBe(kind !== 'gauge')
    }
  })
})

describe('the dashboard', () => {
  it('shows every metric', () => {
    const queried = panels.flatMap(({ targets = [] }) =>
      targets.flatMap(({ expr }) =>
        [...expr.matchAll(/\bcfile_\w+/g)].map(([name]) => metricOf(name)),
      ),
    )
    expect([...new Set(queried)].sort()).toEqual(Object.keys(metrics).sort())
  })

  it('has a place of its own for each panel', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from(
        { length: w * h },
        (_, index) => `${x + (index % w)}:${y + Math.floor(index / w)}`,
      ),
    )
    expect(new Set(cells).size).toBe(cells.length)
  })
})

describe('an alert', () => {
  it.each(rules)('$alert says what to do', ({ labels, annotations }) => {
    expect(['critical', 'warning', 'info']).toContain(labels.severity)
    expect(annotations.summary).toMatch(/\.$/)
    expect(annotations.action).toMatch(/[.]$/)
  })

  it('has a test', () => {
    const tested = read('deploy/prometheus/alerts.test.yaml')
    for (const { alert } of rules.filter(({ expr }) => !/first_byte|resumptions/.test(expr))) {
      expect(tested).toContain(`alertname: ${alert} `)
    }
    expect(tested).toContain(`value: ${rules.length} `)
  })
})
