/**
 * The data of charts and tables. It is derived from the prompt and the same in every file of an answer.
 *
 * @module
 */

import { random } from '../content.ts'

/** One value from 0 to 100 for each label. */
export interface Series {
  readonly title: string
  /** The meaning of the labels, used as head of the first column. The second column is `sales`. */
  readonly unit: string
  readonly labels: readonly string[]
  readonly values: readonly number[]
  /** The chart type. */
  readonly chart: 'bar' | 'line'
}

const units: readonly [unit: string, labels: string][] = [
  ['month', 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'],
  ['day', 'Mon Tue Wed Thu Fri Sat Sun'],
  ['quarter', 'Q1 Q2 Q3 Q4'],
]

/** The series for a prompt: months, days or quarters, as the prompt says. */
export function seriesFor(prompt: string): Series {
  const next = random(prompt)
  const asked = units.find(([unit]) =>
    new RegExp(`${unit}|${unit === 'day' ? 'week' : unit}ly`, 'i').test(prompt),
  )
  const [unit, names] = asked ?? ['quarter', 'Q1 Q2 Q3 Q4']
  const labels = names.split(' ')
  return {
    title: `Sales by ${unit}`,
    unit,
    labels,
    values: labels.map(() => 15 + ((next() >>> 8) % 84)),
    chart: /\bline\b/i.test(prompt) ? 'line' : 'bar',
  }
}

/** The rows of a table: its head, then a label and a value each. */
export function toRows({ unit, labels, values }: Series): (string | number)[][] {
  return [[unit, 'sales'], ...labels.map((label, index) => [label, values[index] ?? 0])]
}
