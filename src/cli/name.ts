/**
 * The name under which a download is saved.
 *
 * @module
 */

import { join } from 'node:path'
import { cleanFilename, parseContentDisposition } from '../core/http/content-disposition.ts'

// In bytes; file systems take 255, and some less.
const longestName = 200

interface Place {
  /** The name where the server gives none. */
  readonly id: string
  readonly folder: string
  /** Paths that are taken. */
  readonly written: ReadonlySet<string>
}

/** Takes the name that the server gives. It cannot lead out of the folder, and it does not hide the file. */
export function downloadName(response: Response, { id, folder, written }: Place): string {
  const { extended, plain } = parseContentDisposition(response.headers.get('content-disposition'))
  const name = cleanFilename(extended ?? plain ?? '').replace(/^\./, '_')
  const { stem, ending } = split(name === '' ? id : name)
  // Two files of one response may have one name.
  for (let count = 1; ; count++) {
    const suffix = count === 1 ? '' : ` (${count})`
    const one = shorten(stem, ending, suffix)
    if (!written.has(join(folder, one))) return one
  }
}

function split(name: string): { stem: string; ending: string } {
  const ending = /.(\.\w{1,10})$/.exec(name)?.[1] ?? ''
  return { stem: name.slice(0, name.length - ending.length), ending }
}

function shorten(stem: string, ending: string, suffix: string): string {
  let kept = stem
  while (Buffer.byteLength(kept + suffix + ending) > longestName) kept = kept.slice(0, -1)
  return kept.toWellFormed() + suffix + ending
}
