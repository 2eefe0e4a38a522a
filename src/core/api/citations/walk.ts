/**
 * One bounded walk over an answer. A real answer has some hundred elements and little nested JSON. The limits keep a
 * hostile answer from blocking other requests.
 *
 * @module
 */

import { parseText } from '../../json/value.ts'
import { createFindings, type Findings } from './mentions.ts'

/** One walk over one answer, with its remaining budget. */
export interface Walk {
  readonly found: Findings
  /** What results of tools name. */
  readonly results: Findings
  /** The elements of an array; none once the budget is used up. */
  elements(value: unknown): Iterable<unknown>
  /** The value itself, or its parsed content if it is JSON in a string. */
  unwrap(value: unknown): unknown
}

const mostElements = 100_000
const mostNestedJson = 2 * 1024 ** 2

/** Starts a walk that has found nothing. */
export function startWalk(): Walk {
  let elementsLeft = mostElements
  let nestedJsonLeft = mostNestedJson
  return {
    found: createFindings(),
    results: createFindings(),
    *elements(value) {
      if (!isArray(value)) return
      for (const element of value) {
        if (elementsLeft === 0) return
        elementsLeft -= 1
        yield element
      }
    },
    unwrap(value) {
      if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
      if (value.length > nestedJsonLeft) return undefined
      nestedJsonLeft -= value.length
      return parseText(value)
    },
  }
}

/** Whether a value is an array, with elements of unknown type. */
export function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}
