/**
 * Values that are made on first use.
 *
 * @module
 */

/**
 * Delays making a value, such as a schema, until it is first needed, so that an import makes none of them.
 *
 * @param make called once
 * @returns a function that gives the value
 */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
