/**
 * A subcommand and its terminal. Arguments and options are data, from which parsing, help and completion are made.
 *
 * @module
 */

import { type ParseArgsConfig, parseArgs, styleText } from 'node:util'
import type { Env } from '../start/serve.ts'

/** The error for a wrong command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** An option, as `parseArgs` takes it and as the help explains it. */
export interface Option {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** Placeholder of the value in the help, such as `FILE`. */
  readonly value?: string
  readonly help: string
}

type Options = Readonly<Record<string, Option>>

/** Options of every command. */
export const sharedOptions = {
  json: { type: 'boolean', help: 'Print the result as JSON.' },
  help: { type: 'boolean', short: 'h', help: 'Show the help of this command.' },
} as const

/** Description of a command, for help and completion. */
export interface CommandInfo {
  readonly name: string
  /** The arguments as they are written after the name, such as `ID…`. */
  readonly usage: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Paragraphs for the help of the command. */
  readonly details?: string
  /** Each argument and its meaning. */
  readonly arguments?: readonly (readonly [name: string, help: string])[]
  readonly options: Options
  /** The settings that the help lists: groups with an empty line between them, a title and a line for each setting. */
  readonly settings?: string
  /** Command lines without `cfile`, each with what it does. */
  readonly examples: readonly (readonly [about: string, line: string])[]
  /** Words that the first argument can be, for completion. */
  readonly choices?: readonly string[]
  /** Whether it runs until a signal ends it, and handles signals itself. */
  readonly isServer?: boolean
}

/** A subcommand. */
export interface Command extends CommandInfo {
  /** Resolves to the exit code. @throws UsageError, CfileError */
  run(args: readonly string[], terminal: Terminal): Promise<number>
}

type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{
    options: O & typeof sharedOptions
    allowPositionals: true
    strict: true
  }>
>

/** A parsed command line. */
interface Input<O extends Options> {
  /** The first argument; empty where the command takes none. */
  readonly argument: string
  /** All arguments. */
  readonly words: readonly string[]
  readonly values: Parsed<O>['values']
}

interface Specification<O extends Options> extends CommandInfo {
  /** How many arguments it takes; `many`: one or more; `any`: none or more. */
  readonly takes: 'none' | 'one' | 'many' | 'any'
  readonly options: O
  run(input: Input<O>, terminal: Terminal): Promise<number>
}

/** Creates a command that parses its command line before it runs. */
export function defineCommand<const O extends Options>(specification: Specification<O>): Command {
  return {
    ...specification,
    run: (args, terminal) => specification.run(readInput(specification, args), terminal),
  }
}

function readInput<O extends Options>(
  { name, takes, options }: Specification<O>,
  args: readonly string[],
): Input<O> {
  const all = { ...options, ...sharedOptions }
  const { positionals: words, values } = parse({
    args: [...args],
    options: all,
    allowPositionals: true,
    strict: true,
  })
  const [argument = '', second] = words
  if (takes === 'none' && words.length > 0) {
    throw new UsageError(`cfile ${name} takes no argument; it got "${argument}".`)
  }
  if ((takes === 'one' || takes === 'many') && argument === '') {
    throw new UsageError(`cfile ${name} needs ${takes === 'one' ? 'an' : 'at least one'} argument.`)
  }
  if (takes === 'one' && second !== undefined) {
    throw new UsageError(`cfile ${name} takes one argument; "${second}" is one too many.`)
  }
  return { argument, words, values }
}

function parse<const C extends ParseArgsConfig>(config: C): ReturnType<typeof parseArgs<C>> {
  try {
    return parseArgs(config)
  } catch (error) {
    // The first sentence only: Node's others explain `--` and positionals, as the help does.
    if (error instanceof TypeError) throw new UsageError(`${error.message.split(/\. |\n/)[0]}.`)
    throw error
  }
}

/** Colours and weights. */
type Style = 'bold' | 'dim' | 'red' | 'green'

/** One of the two output streams. */
export interface Output {
  /** Whether it is a terminal, so that a person reads it. */
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

/**
 * Wraps a stream of the process.
 *
 * @param env for `NO_COLOR` and `TERM`
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
    paint: (style, text) => (isColoured ? styleText(style, text, { validateStream: false }) : text),
  }
}

/**
 * Prints a result as JSON or as text, with a line break at its end.
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
