/** Reads the files of this repository that tests check. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { parse, parseAllDocuments } from 'yaml'

const root = new URL('../../', import.meta.url)

/** The text of a file. */
export const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

/** Whether a file or folder exists. */
export const exists = (path: string): boolean => existsSync(new URL(path, root))

/** The files of a folder and below whose names end so, as paths from the root. */
export function list(folder: string, ending = ''): string[] {
  return readdirSync(new URL(folder, root), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map(({ parentPath, name }) => `${parentPath}/${name}`.slice(root.pathname.length))
    .sort()
}

/** The one document of a YAML file; `<<` merges. */
export const readYaml = (path: string) => parse(read(path), { merge: true })

/** All documents of a YAML file, and what is wrong with its syntax. */
export function parseYaml(path: string): {
  readonly documents: unknown[]
  readonly faults: string[]
} {
  const parsed = parseAllDocuments(read(path), { merge: true })
  const documents = Array.isArray(parsed) ? parsed : []
  return {
    documents: documents.map((document) => document.toJS()),
    faults: documents.flatMap(({ errors, warnings }) =>
      [...errors, ...warnings].map(({ message }) => message),
    ),
  }
}
