/**
 * Where the files of a container are: below `/mnt/data/`, inputs under a name with a prefix, and sometimes several paths
 * in one row by mistake.
 *
 * @module
 */

import { stripStoredPrefix } from './content-disposition.ts'

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
 * The file at `/mnt/data/{path}`: the path as it is, else percent-decoded once; the name as it is stored, or without the
 * prefix of an input; of several the newest. Rows that can't be opened are passed over.
 *
 * @param files newest first
 */
export function findByPath<File extends PlacedFile>(
  files: readonly File[],
  path: string,
): File | undefined {
  const whole = files
    .filter((file) => file.bytes !== null && !isGlued(file))
    .sort((one, other) => other.created_at - one.created_at)
  for (const wanted of new Set([path, decodeOnce(path)])) {
    const places = (file: File): string[] => [file.path, withoutPrefix(file.path)]
    const found = whole.find((file) => places(file).includes(root + wanted))
    if (found !== undefined) return found
  }
  return undefined
}

/** Percent-decodes a text; one that can't be decoded stays as it is. */
export function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function withoutPrefix(path: string): string {
  const name = nameInPath(path)
  return path.slice(0, path.length - name.length) + stripStoredPrefix(name)
}
