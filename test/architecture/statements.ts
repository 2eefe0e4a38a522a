/**
 * The import and export statements of a file, read without a compiler.
 *
 * @module
 */

import { lineAt } from './mask.ts'

/** One `import … from`, `export … from`, `import '…'` or `import(…)`. */
export interface ImportStatement {
  readonly line: number
  /** `undefined` where `import(…)` is given anything but a literal. */
  readonly specifier: string | undefined
  /** `import type`, `export type`, `typeof import(…)`: nothing is left of it in the JavaScript. */
  readonly typeOnly: boolean
  /** What stands between the keyword and `from`. */
  readonly clause: string
}

const statement =
  /(?<![.\w$])(?:(?<kind>import|export)\s+(?<type>type\s+)?(?<clause>[\w$\s,{}*]*?)\s*\bfrom\s*(?=['"])|import\s*(?=['"])|(?<query>typeof\s+)?import\s*\(\s*)/g

/** Lists what a file takes from others; `masked` is the source after `maskSource`. */
export function readImports(source: string, masked: string): readonly ImportStatement[] {
  return [...masked.matchAll(statement)].map((match) => {
    const end = match.index + match[0].length
    const { type, clause = '', query } = match.groups ?? {}
    return {
      line: lineAt(source, match.index),
      specifier: literalAt(source, masked, end),
      typeOnly: type !== undefined || query !== undefined,
      clause: clause.trim(),
    }
  })
}

function literalAt(source: string, masked: string, start: number): string | undefined {
  const quote = masked[start]
  if (quote !== "'" && quote !== '"') return undefined
  return source.slice(start + 1, masked.indexOf(quote, start + 1))
}

/** A name that a file hands on, and whether it is only a type. */
export interface ExportedName {
  readonly name: string
  readonly typeOnly: boolean
}

/** The names of the `export { … } from` statements of a file that holds nothing else. */
export function readReexports(masked: string): readonly ExportedName[] {
  const exported = /(?<![.\w$])export\s+(type\s+)?\{([^}]*)\}\s*from\b/g
  return [...masked.matchAll(exported)].flatMap(([, type, names = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => ({
        name: name.replace(/^type\s+/, '').replace(/^.*\sas\s+/, ''),
        typeOnly: type !== undefined || /^type\s/.test(name),
      })),
  )
}
