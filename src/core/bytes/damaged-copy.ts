/**
 * The failure of a copy that is not what was copied.
 *
 * @module
 */

/** The bytes of a copy in the archive are not those that were copied: too few, others, or none. */
export class DamagedCopy extends Error {
  override readonly name = 'DamagedCopy'
}
