/**
 * Automatic plots. The code interpreter saves every figure that code displays under a generated name; code often saves
 * the same figure under its own name too.
 *
 * @module
 */

import { nameInPath, type PlacedFile } from './container-files.ts'

interface WrittenFile extends PlacedFile {
  readonly id: string
  readonly source: string
}

/** Whether the service generated a file's name from its id. */
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
