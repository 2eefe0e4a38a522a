/**
 * Automatic plots: a figure that code shows becomes a file that nobody named, and often another that was saved.
 *
 * @module
 */

import { nameInPath, type PlacedFile } from './container-files.ts'

interface WrittenFile extends PlacedFile {
  readonly id: string
  readonly source: string
}

/** Whether a file's name is one that the service made of its id. */
export function isAutoPlot(name: string): boolean {
  return /^cfile[_-][A-Za-z0-9]+\.png$/.test(name)
}

// Code that shows a figure and saves it does both in one run.
const secondsApart = 60

/**
 * The automatic plots that are there under a name too: ids to ids. Two pictures count as one where both are PNGs of the
 * same length, written at about the same time; the bytes themselves are not compared, since that would cost two
 * downloads.
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
