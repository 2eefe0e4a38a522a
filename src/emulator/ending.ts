/**
 * Extensions of file names.
 *
 * @module
 */

/** The extension without its dot, in lower case; empty if there is none. */
export function endingOf(name: string): string {
  return /\.([^.]*)$/.exec(name)?.[1]?.toLowerCase() ?? ''
}
