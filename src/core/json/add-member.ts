/**
 * Adds a member to a JSON object. All other bytes stay the same.
 *
 * @module
 */

import { isCfileError } from '../errors.ts'
import { concatBytes } from '../http/body.ts'
import { scanJson } from './scan.ts'
import { jsonTextAt } from './value.ts'

/**
 * Adds a last member to a JSON object. Returns the bytes unchanged if they are not an object or already have the
 * member. Yields at points where other work may run.
 *
 * @param name a key without characters that JSON escapes
 */
export function* addMember(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  value: string,
): Generator<undefined, Uint8Array<ArrayBuffer>> {
  const root = { isObject: false, isEmpty: true, hasName: false, end: 0 }
  let depth = 0
  const reading = scanJson(bytes, {
    key(start, end) {
      if (depth > 1) return
      root.isEmpty = false
      if (jsonTextAt(bytes, start, end) === name) root.hasName = true
    },
    scalar() {},
    open(_, isList) {
      if (depth === 0) root.isObject = !isList
      depth += 1
    },
    close(end) {
      depth -= 1
      root.end = end
    },
  })
  try {
    yield* reading
  } catch (error) {
    if (isCfileError(error)) return bytes
    throw error
  }
  if (!root.isObject || root.hasName) return bytes
  const member = `${root.isEmpty ? '' : ','}"${name}":${JSON.stringify(value)}`
  const slot = root.end - 1
  return concatBytes([
    bytes.subarray(0, slot),
    new TextEncoder().encode(member),
    bytes.subarray(slot),
  ])
}
