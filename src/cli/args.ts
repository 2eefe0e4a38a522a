/**
 * The words of a command line.
 *
 * @module
 */

import { type ParseArgsConfig, parseArgs } from 'node:util'

/** A command line that can't be meant; the message is for whoever wrote it. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** One subcommand. */
export interface Command {
  /** Its arguments. */
  readonly usage: string
  readonly summary: string
  /** Resolves to the exit code. */
  run(args: readonly string[]): Promise<number>
}

type Options = NonNullable<ParseArgsConfig['options']>
type Words<O extends Options> = ReturnType<
  typeof parseArgs<{ options: O; allowPositionals: true; strict: true }>
>['values']

/**
 * Reads options and exactly one argument, which may be `-`.
 *
 * @throws UsageError
 */
export function readArgs<const O extends Options>(
  args: readonly string[],
  options: O,
): { readonly argument: string; readonly values: Words<O> } {
  const { positionals, values } = parse(args, options)
  const [argument, ...more] = positionals
  if (argument === undefined || argument === '') throw new UsageError('It takes one argument.')
  if (more.length > 0) throw new UsageError(`It takes one argument; "${more[0]}" is one too many.`)
  return { argument, values }
}

/**
 * Reads options and any number of arguments.
 *
 * @throws UsageError
 */
export function readWords<const O extends Options>(
  args: readonly string[],
  options: O,
): { readonly words: readonly string[]; readonly values: Words<O> } {
  const { positionals, values } = parse(args, options)
  return { words: positionals, values }
}

function parse<const O extends Options>(args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`${error.message.split(/[.\n]/)[0]}.`)
    throw error
  }
}
