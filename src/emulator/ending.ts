/**
 * The ending of a file's name, which says its kind.
 *
 * @module
 */

/** Without its dot, in lower case; empty where there is none. */
export function endingOf(name: string): string {
  return /\.([^.]*)$/.exec(name)?.[1]?.toLowerCase() ?? ''
}
