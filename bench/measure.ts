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

type Parts<Name extends string, Figures> = Readonly<Record<Name, () => Promise<Figures>>>

/** Measures all proxies in each round, in another order each time. Returns the figures of each by round. */
export async function roundsOf<Name extends string, Figures>(
  parts: Parts<Name, Figures>,
  rounds: number,
): Promise<Record<Name, Figures[]>> {
  const names = Object.keys(parts) as Name[]
  const seen = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    Figures[]
  >
  for (let round = 0; round < rounds; round += 1) {
    const order = [...names.slice(round % names.length), ...names.slice(0, round % names.length)]
    for (const name of order) seen[name].push(await parts[name]())
  }
  return seen
}

/** Measures like {@link roundsOf}. Returns the spread of the figures of each proxy. */
export async function inTurns<Name extends string, Figures extends Record<string, number>>(
  parts: Parts<Name, Figures>,
  rounds: number,
): Promise<Record<Name, { readonly [K in keyof Figures]: Spread }>> {
  const seen = await roundsOf(parts, rounds)
  const spreads = Object.entries<Figures[]>(seen).map(([name, all]) => {
    const keys = Object.keys(all[0] ?? {})
    return [
      name,
      Object.fromEntries(keys.map((key) => [key, spreadOf(all.map((one) => one[key] ?? 0))])),
    ]
  })
  return Object.fromEntries(spreads)
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
