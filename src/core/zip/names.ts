/**
 * File names for zip archives that are safe to unpack on every system.
 *
 * @module
 */

import { cleanFilename } from '../http/content-disposition.ts'

/**
 * Converts paths to names in an archive: relative, without `.`, `..`, drive letters, backslashes, control characters
 * and direction marks. A name that would overwrite another, also on case-insensitive systems, gets a number: `a.txt`,
 * `a (2).txt`.
 */
export function zipNames(paths: readonly string[]): string[] {
  const taken = new Set<string>()
  return paths.map((path) => {
    const name = safePath(path)
    let free = name
    for (let n = 2; taken.has(free.toLowerCase()); n++) free = numbered(name, n)
    taken.add(free.toLowerCase())
    return free
  })
}

function safePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '')
  return parts.map(safePart).join('/') || '_'
}

function safePart(part: string): string {
  // Windows interprets a drive letter in any part.
  return cleanFilename(part).replace(/^([A-Za-z]):/, '$1_')
}

/** Inserts a number before the extension of the last part. A leading dot begins no extension. */
function numbered(name: string, n: number): string {
  const [, stem = name, ending = ''] = /^(.*[^/])(\.[^./]*)$/s.exec(name) ?? []
  return `${stem} (${n})${ending}`
}
