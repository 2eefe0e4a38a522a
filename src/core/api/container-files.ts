/**
 * Where the files of a container are: below `/mnt/data/`, inputs under a name with a prefix, and sometimes several paths
 * in one row by mistake.
 *
 * @module
 */

import { stripStoredPrefix } from '../http/content-disposition.ts'
import { decodeOnce } from '../url.ts'

/** A row of a container's list, as far as its place tells. */
export interface PlacedFile {
  readonly path: string
  readonly bytes: number | null
  /** Unix seconds. */
  readonly created_at: number
}

const root = '/mnt/data/'

/** Whether a row is several files glued together, which are none that can be opened. */
export function isGlued({ path }: Pick<PlacedFile, 'path'>): boolean {
  return /\s\/mnt\//.test(path)
}

/** The last part of a path. */
export function nameInPath(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/**
 * The file at `/mnt/data/{path}`: by the path as it is, else by one of its other spellings; under its stored name, or
 * without the prefix of an input; of several the newest, and of two of one second the one with a length. Rows of several
 * paths are left out.
 */
export function findByPath<File extends PlacedFile>(
  files: readonly File[],
  path: string,
): File | undefined {
  const newestFirst = files
    .filter((file) => !isGlued(file))
    .sort(
      (one, other) =>
        other.created_at - one.created_at || Number(hasLength(other)) - Number(hasLength(one)),
    )
  const byPlace = new Map<string, File>()
  for (const file of newestFirst) {
    for (const place of [file.path, withoutPrefix(file.path)]) {
      if (!byPlace.has(place)) byPlace.set(place, file)
    }
  }
  const found = spellings(path).find((spelling) => byPlace.has(root + spelling))
  return byPlace.get(root + found)
}

/** Azure has been seen to list good files without a length. */
function hasLength({ bytes }: PlacedFile): boolean {
  return bytes !== null
}

const decoders: readonly ((text: string) => string)[] = [
  // A signed link carries the whole link where it is written in an unusual way.
  (text) => text.replace(/^sandbox:\/{1,3}mnt\/data\//, ''),
  decodeOnce,
  // Markdown: a backslash before ASCII punctuation escapes it.
  (text) => text.replace(/\\([!-/:-@[-`{-~])/g, '$1'),
  (text) => text.replaceAll('&amp;', '&'),
  // A string literal in a text may escape letters.
  (text) =>
    text.replace(/\\u([0-9A-Fa-f]{4})/g, (_, code) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    ),
]

/** The names that a path which a model wrote may mean, likeliest first: as it is, then with each decoder on all before. */
export function spellings(path: string): string[] {
  let known = [path]
  for (const decode of decoders) known = [...new Set([...known, ...known.map(decode)])]
  return known
}

function withoutPrefix(path: string): string {
  const name = nameInPath(path)
  return path.slice(0, path.length - name.length) + stripStoredPrefix(name)
}
