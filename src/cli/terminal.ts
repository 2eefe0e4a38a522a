/**
 * The output streams of a command, and what is known about their reader.
 *
 * @module
 */

import type { Env } from '../start/serve.ts'

/** Colours and weights. */
type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** One of the two output streams. */
export interface Output {
  /** Whether a person looks at it on a terminal. */
  readonly isTerminal: boolean
  /** Columns of the terminal; 100 without one. */
  width(): number
  write(text: string): void
  /** Styles a text if the stream is a terminal and colours are on. */
  paint(style: Style, text: string): string
}

/** The environment of a command: streams, variables, signal. */
export interface Terminal {
  readonly env: Env
  /** Fires at Ctrl-C. */
  readonly signal: AbortSignal
  readonly out: Output
  readonly err: Output
}

const codes: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
}

/**
 * Wraps a stream of the process.
 *
 * @param env for `NO_COLOR` and its like
 */
export function createOutput(stream: NodeJS.WriteStream, env: Env): Output {
  const isTerminal = stream.isTTY === true
  // https://no-color.org: any value but an empty one switches colours off.
  const isColoured = isTerminal && !env.NO_COLOR && env.TERM !== 'dumb'
  return {
    isTerminal,
    // A terminal of unknown size has 0 columns.
    width: () => stream.columns || 100,
    write: (text) => void stream.write(text),
    paint(style, text) {
      const [on, off] = codes[style]
      return isColoured ? `\x1b[${on}m${text}\x1b[${off}m` : text
    },
  }
}

/**
 * Prints a result as JSON for a program, or as text for a person; both end with a line break.
 *
 * @param result `json`: whether `--json` was given; `text` is called only without it
 */
export function print(
  { out }: Terminal,
  { json = false, value, text }: { json?: boolean; value: unknown; text: () => string },
): void {
  const written = json ? JSON.stringify(value, null, 2) : text()
  if (written !== '') out.write(`${written}\n`)
}
