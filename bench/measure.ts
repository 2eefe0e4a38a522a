/** Runs the proxies in turns, round by round, and summarises the figures. */

/** The median, the least and the greatest of some figures. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly greatest: number
}

export function spreadOf(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((a, b) => a - b)
  const at = (index: number): number => sorted[index] ?? Number.NaN
  const half = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? at(half) : (at(half - 1) + at(half)) / 2
  return { median, least: at(0), greatest: at(sorted.length - 1) }
}

/** Measures all proxies in each round, in another order each time. Returns the spread of the figures of each. */
export async function inTurns<Name extends string, Figures extends Record<string, number>>(
  parts: Readonly<Record<Name, () => Promise<Figures>>>,
  rounds: number,
): Promise<Record<Name, { readonly [K in keyof Figures]: Spread }>> {
  const names = Object.keys(parts) as Name[]
  const seen = new Map<Name, Figures[]>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    const order = [...names.slice(round % names.length), ...names.slice(0, round % names.length)]
    for (const name of order) seen.get(name)?.push(await parts[name]())
  }
  return Object.fromEntries(
    names.map((name) => {
      const all = seen.get(name) ?? []
      const keys = Object.keys(all[0] ?? {})
      return [
        name,
        Object.fromEntries(keys.map((key) => [key, spreadOf(all.map((one) => one[key] ?? 0))])),
      ]
    }),
  ) as Record<Name, { readonly [K in keyof Figures]: Spread }>
}

/** The amount of measuring. */
export interface Effort {
  readonly rounds: number
  readonly warmUps: number
  /** Whether other proxies than nginx and bare undici are measured too. */
  readonly hasPeers: boolean
}

/** The ratio of two medians. */
export function against(figure: Spread, other: Spread | undefined): string {
  return other === undefined ? '–' : (figure.median / other.median).toFixed(2)
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Writes a spread with a number of digits. */
export function show({ median, least, greatest }: Spread, digits = 2): string {
  return `${median.toFixed(digits)} (${least.toFixed(digits)}–${greatest.toFixed(digits)})`
}
