/**
 * Names within an archive that are safe to unpack, on every system.
 *
 * @module
 */

import { cleanFilename } from '../http/content-disposition.ts'

/**
 * Paths as they may stand in an archive: relative, without `.` and `..`, drive letters, backslashes, control and
 * direction characters. What would be written over another, also where case does not count, gets a number:
 * `a.txt`, `a (2).txt`.
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
  // A drive letter, which Windows heeds anywhere.
  return cleanFilename(part).replace(/^([A-Za-z]):/, '$1_')
}

/** Before the last ending of the last part; a leading dot begins none. */
function numbered(name: string, n: number): string {
  const [, stem = name, ending = ''] = /^(.*[^/])(\.[^./]*)$/s.exec(name) ?? []
  return `${stem} (${n})${ending}`
}
