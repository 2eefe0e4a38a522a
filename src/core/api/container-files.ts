/**
 * Paths of files in a container. Files lie below `/mnt/data/`. Inputs have a prefix before their name. By a fault of the
 * service, one row may contain several paths. The code interpreter saves every figure that code displays under a
 * generated name; code often saves the same figure under its own name too.
 *
 * @module
 */

import { stripStoredPrefix } from '../http/content-disposition.ts'
import { decodeOnce } from '../url.ts'

/** The fields of a row in a container's file list that concern its place. */
interface PlacedFile {
  readonly path: string
  readonly bytes: number | null
  /** Unix seconds. */
  readonly created_at: number
}

const root = '/mnt/data/'

/**
 * Whether a row consists of several paths joined together. Such a row has no content.
 *
 * @param row whose path may be such as `/mnt/data/a.csv /mnt/data/b.csv`
 */
export function isGlued({ path }: Pick<PlacedFile, 'path'>): boolean {
  return /\s\/mnt\//.test(path)
}

/**
 * The last part of a path.
 *
 * @param path a path below `/mnt/data/`, or a bare name
 */
export function nameInPath(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/**
 * Finds the file at `/mnt/data/{path}`. Tries the path as given, then its other {@link spellings}; each matches a
 * stored name with or without the prefix of an input. Among several files the newest wins; with equal times, one with a
 * known size.
 *
 * @param files all rows of one container's file list, in any order
 * @param path below `/mnt/data/`, as it was written in a link or URL
 * @returns `undefined` if no spelling of the path names a file
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

/** Azure sometimes lists valid files without a size. */
function hasLength({ bytes }: PlacedFile): boolean {
  return bytes !== null
}

const decoders: readonly ((text: string) => string)[] = [
  // A signed link carries the whole link if its spelling is unusual.
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

/**
 * The names that a path in a model's text may mean, most likely first: the path as given, then each decoder applied to
 * all earlier spellings.
 *
 * @param path as a model, a link or a URL wrote it; never used as a path of this machine's file system
 * @returns at least the path itself; the last one has all escapes decoded
 */
export function spellings(path: string): string[] {
  let known = [path]
  for (const decode of decoders) known = [...new Set([...known, ...known.map(decode)])]
  return known
}

function withoutPrefix(path: string): string {
  const name = nameInPath(path)
  return path.slice(0, path.length - name.length) + stripStoredPrefix(name)
}

interface WrittenFile extends PlacedFile {
  readonly id: string
  readonly source: string
}

/**
 * Whether the service generated a file's name from its id.
 *
 * @param name last part of a path, such as `cfile_6839….png`
 */
export function isAutoPlot(name: string): boolean {
  return /^cfile[_-][A-Za-z0-9]+\.png$/.test(name)
}

// Code that displays a figure and saves it does both in one run.
const secondsApart = 60

/**
 * Finds automatic plots that also exist under a name, by plot id to the id of the named file. Two PNGs count as the
 * same if they have the same size and were written within 60 seconds. The bytes are not compared, because that would
 * take two downloads.
 *
 * @param files the files of one container
 */
export function findOriginals(files: readonly WrittenFile[]): ReadonlyMap<string, string> {
  const pictures = files.filter(
    ({ path, source, bytes }) => source === 'assistant' && bytes && /\.png$/i.test(path),
  )
  const isAuto = ({ path }: WrittenFile): boolean => isAutoPlot(nameInPath(path))
  const named = new Set(pictures.filter((file) => !isAuto(file)))
  const originals = new Map<string, string>()
  for (const plot of pictures.filter(isAuto)) {
    for (const file of named) {
      const isSame = file.bytes === plot.bytes
      if (!isSame || Math.abs(file.created_at - plot.created_at) > secondsApart) continue
      originals.set(plot.id, file.id)
      named.delete(file)
      break
    }
  }
  return originals
}
