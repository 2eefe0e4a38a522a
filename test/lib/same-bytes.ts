/**
 * Compares byte arrays in one loop. Vitest's own comparison treats each byte as a property, which takes seconds for the
 * files of megabytes that many tests compare.
 *
 * @module
 */

import { expect } from 'vitest'

expect.addEqualityTesters([
  function areSameBytes(a: unknown, b: unknown) {
    if (!(a instanceof Uint8Array && b instanceof Uint8Array)) return undefined
    if (a.constructor !== b.constructor) return undefined
    return a.byteLength === b.byteLength && a.every((byte, index) => byte === b[index])
  },
])
