/**
 * Parses the import and export statements of a file without a compiler.
 *
 * @module
 */

import { lineAt } from './mask.ts'

/** One `import … from`, `export … from`, `import '…'` or `import(…)`. */
export interface ImportStatement {
  readonly line: number
  /** `undefined` for an `import(…)` without a literal. */
  readonly specifier: string | undefined
  /** `import type`, `export type`, `typeof import(…)`: it leaves nothing in the JavaScript. */
  readonly typeOnly: boolean
  /** The text between the keyword and `from`. */
  readonly clause: string
}

const statement =
  /(?<![.\w$])(?:(?<kind>import|export)\s+(?<type>type\s+)?(?<clause>[\w$\s,{}*]*?)\s*\bfrom\s*(?=['"])|import\s*(?=['"])|(?<query>typeof\s+)?import\s*\(\s*)/g

/** Lists the imports of a file. `masked` is the source after `maskSource`. */
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

/** A re-exported name, and whether it is only a type. */
export interface ExportedName {
  readonly name: string
  readonly typeOnly: boolean
}

/** Returns the names of the `export { … } from` statements of a file without other code. */
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
