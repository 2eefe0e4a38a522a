/**
 * Suggests a name for a misspelt one, for settings and commands.
 *
 * @module
 */

/**
 * Returns the most similar name. `undefined` if more than a third of the letters would have to change. The prefixes
 * `CFILE_` and `AZURE_` do not count, since people mix them up.
 */
export function nearestName(wrong: string, names: readonly string[]): string | undefined {
  let nearest: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const name of names) {
    const distance = editDistance(withoutVendor(wrong), withoutVendor(name))
    if (distance < least) [nearest, least] = [name, distance]
  }
  return least <= withoutVendor(wrong).length / 3 ? nearest : undefined
}

function withoutVendor(name: string): string {
  return name.replace(/^(?:CFILE|AZURE)_/, '')
}

/** Levenshtein distance: the number of letters to add, remove or replace. */
function editDistance(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [row, letter] of [...one].entries()) {
    const line = [row + 1]
    for (const [column, another] of [...other].entries()) {
      const replaced = (above[column] ?? 0) + (letter === another ? 0 : 1)
      line.push(Math.min(replaced, (above[column + 1] ?? 0) + 1, (line[column] ?? 0) + 1))
    }
    above = line
  }
  return above[other.length] ?? 0
}
