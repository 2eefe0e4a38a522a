/**
 * Collects the ids that a JSON body names, and the refusals that an echo of an earlier answer puts off.
 *
 * @module
 */

import type { CfileError } from '../../errors.ts'
import type { NamedKind } from '../operations.ts'
import {
  emptyNames,
  mostNames,
  type Names,
  namedKinds,
  toLists,
  tooManyNames,
} from './named-ids.ts'

/** The kinds of names, and `carried` for the id of an item that the body contains in full. */
export type CollectedKind = NamedKind | 'carried'

/** Ids inside a part of a body that may be an echo. They count only if the part turns out not to be one. */
export interface Echo {
  /** The type of an object whose part is an echo. */
  readonly type: string
  readonly found: Found
  /** The first refusal inside the part. */
  fault?: CfileError
}

interface Found {
  readonly names: Record<NamedKind, Set<string>>
  readonly carried: Set<string>
  size: number
}

/** The names of one body while it is read. */
export interface NameCollector {
  /**
   * Adds an id.
   *
   * @throws CfileError `invalid_request` after 1,000 ids
   */
  add(kind: CollectedKind, id: string): void
  /**
   * Refuses the body. Inside an echo, the refusal waits until the echo is decided.
   *
   * @throws CfileError the given error, if the collector is strict
   */
  refuse(error: CfileError): void
  /** Begins a part that may be an echo. */
  startEcho(type: string): void
  /** Ends that part. */
  endEcho(): Echo | undefined
  /** Adds all ids of a part that is not an echo. */
  addAll(echo: Echo): void
  result(): { readonly names: Names; readonly carried: readonly string[] }
}

/**
 * Creates the collector for one body.
 *
 * @param isStrict whether refusals are thrown; otherwise they are ignored, and so are ids after the limit
 */
export function createNameCollector(isStrict: boolean): NameCollector {
  let found = createFound()
  let around = found
  let echo: Echo | undefined

  const collector: NameCollector = {
    add(kind, id) {
      const ids = kind === 'carried' ? found.carried : found.names[kind]
      if (ids.has(id)) return
      if (found.size >= mostNames) {
        collector.refuse(tooManyNames())
        return
      }
      ids.add(id)
      found.size += 1
    },
    refuse(error) {
      if (!isStrict) return
      if (echo === undefined) throw error
      echo.fault ??= error
    },
    startEcho(type) {
      around = found
      found = createFound()
      echo = { type, found }
    },
    endEcho() {
      const ended = echo
      if (ended !== undefined) found = around
      echo = undefined
      return ended
    },
    addAll({ found: { names, carried } }) {
      for (const kind of namedKinds) for (const id of names[kind]) collector.add(kind, id)
      for (const id of carried) collector.add('carried', id)
    },
    result: () => ({ names: toLists(found.names), carried: [...found.carried] }),
  }
  return collector
}

function createFound(): Found {
  return { names: emptyNames(), carried: new Set(), size: 0 }
}
