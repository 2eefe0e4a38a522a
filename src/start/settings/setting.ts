/**
 * One setting of the environment: its name and its schema. `npm run settings` writes the comment of each setting, with the
 * default, into `docs/settings.md` and the help. It is a comment and no field, so that Workers do not carry the text.
 *
 * @module
 */

import * as z from 'zod/mini'
import { CfileError } from '../../core/errors.ts'

/** Creates a schema when its setting is read, so that applications without settings do not pay for any. */
export type MakeSchema<T> = () => z.ZodMiniType<T>

/** A setting. Every list of settings is generated from these or tested against them. */
export interface Setting<T = unknown> {
  readonly name: string
  /** Turns the text of the environment into the value. May throw a CfileError with its own message. */
  readonly schema: MakeSchema<T>
  /** The accepted values in words, for the message about a wrong value. */
  readonly takes: string
  /** Default for {@link readWithDefaults}. Settings without it have the defaults of `createApp`. */
  readonly default?: string
  /** Whether messages hide the value. */
  readonly secret?: true
  /** Set if only a server reads it, or only the command line. @default servers and Workers */
  readonly only?: 'server' | 'command line'
}

/** A setting for each field of `Values`. */
export type Declared<Values> = {
  readonly [Field in keyof Values]-?: Setting<NonNullable<Values[Field]>>
}

/** Any text. */
export const text: MakeSchema<string> = () => z.string()

/**
 * Text that matches a grammar.
 *
 * @param grammar must match the whole text, so it has `^` and `$`
 */
export function like(grammar: RegExp): MakeSchema<string> {
  return () => z.string().check(z.regex(grammar))
}

/**
 * Text that a function parses.
 *
 * @param parse throws a CfileError for a wrong value; its message reaches the user, so it must not contain a secret
 */
export function parsedBy<T>(parse: (text: string) => T): MakeSchema<T> {
  return () => z.pipe(z.string(), z.transform(parse))
}

/** Texts with commas between them. */
export const list: MakeSchema<readonly string[]> = parsedBy((value) =>
  value.split(',').map((entry) => entry.trim()),
)

/** The schema of `1` or `0`, and the words for the message. */
export const flag: Pick<Setting<boolean>, 'schema' | 'takes'> = {
  schema: () =>
    z.pipe(
      z.enum(['1', '0']),
      z.transform((value) => value === '1'),
    ),
  takes: '1 or 0',
}

/**
 * A whole number in decimal digits.
 *
 * @param min smallest value
 * @param max largest value
 */
export function whole(min: number, max: number = Number.MAX_SAFE_INTEGER): MakeSchema<number> {
  return () => {
    const digits = z.string().check(z.regex(/^\d{1,16}$/))
    return z.pipe(z.pipe(digits, z.transform(Number)), z.number().check(z.gte(min), z.lte(max)))
  }
}

/**
 * The schema of one of several words, and the words for the message.
 *
 * @param words accepted values, in the order of the message
 */
export function oneOf<const Word extends string>(
  words: readonly Word[],
): Pick<Setting<Word>, 'schema' | 'takes'> {
  return {
    schema: () => z.enum(words),
    takes: `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`,
  }
}

/** The variables of a process, or the bindings of a Worker. */
export type Variables = Readonly<Record<string, unknown>>

/**
 * Reads the settings that are set. An empty value counts as not set.
 *
 * @param variables of the process, or bindings of a Worker
 * @param declared a setting for each field
 * @returns only the fields that are set
 * @throws CfileError `invalid_request`, in one line: the setting, what it got (secrets masked), what it takes
 */
export function readSettings<Values extends object>(
  variables: Variables,
  declared: Declared<Values>,
): Partial<Values> {
  const values: Partial<Values> = {}
  for (const field in declared) {
    const value = readSetting(variables, declared[field])
    if (value !== undefined) values[field] = value
  }
  return values
}

/**
 * Reads settings of which each has a default value.
 *
 * @param variables of the process, or bindings of a Worker
 * @param declared a setting with a default for each field
 * @throws CfileError as {@link readSettings}
 */
export function readWithDefaults<Values extends object>(
  variables: Variables,
  declared: Declared<Values>,
): Values {
  const values = readSettings(variables, declared)
  for (const field in declared) {
    const { schema, default: text }: Setting<Values[typeof field]> = declared[field]
    values[field] ??= z.parse(schema(), text)
  }
  return values as Values
}

/**
 * Reads one setting.
 *
 * @param variables of the process, or bindings of a Worker
 * @param setting its name and its schema
 * @returns `undefined` if it is not set
 * @throws CfileError as {@link readSettings}
 */
export function readSetting<T>(variables: Variables, setting: Setting<T>): T | undefined {
  const { name, schema, takes, secret } = setting
  const given = variables[name]
  // Wrangler passes a JSON list as an array.
  const value = Array.isArray(given) ? JSON.stringify(given) : given
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const result = z.safeParse(schema(), value.trim())
  if (result.success) return result.data
  const got = secret ? 'a value (masked)' : JSON.stringify(value.slice(0, 100))
  throw new CfileError('invalid_request', `${name} got ${got}, but takes ${takes}.`, {
    param: name,
  })
}
