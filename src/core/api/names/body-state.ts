/**
 * The state of a reader of JSON bodies: one frame for each object and list that has not ended, and the ids that the body
 * names or carries so far.
 *
 * @module
 */

import type { CfileError } from '../../errors.ts'
import { isContainerFileId, isContainerId } from '../../ids.ts'
import { type NamedKind, namedKinds } from '../operations.ts'
import type { Place } from './body-places.ts'
import { emptyNames, mostNames, type Names, toLists, tooManyNames } from './named-ids.ts'
import type { NamingKey } from './naming-keys.ts'

/** An object or list that has not ended yet. */
export interface Frame {
  isList: boolean
  isEmpty: boolean
  place: Place
  /** How the elements of the list, or the object's own `id`, name things. */
  naming?: NamingKey
  /** The key of the current member. */
  key: string
  keyNaming?: NamingKey
  keyPlace: Place
  /** The keys so far that decide how the object is read. */
  seen: string[]
  type?: string
  id?: string
  /** Whether the object has more than a type, an id and a status. */
  hasMore: boolean
  hasContent: boolean
  echoes: Echo[]
}

/** The frames of a body while it is read. */
export interface Frames {
  /** Frames by depth. They are reused, because a body may have millions of lists. */
  readonly frames: Frame[]
  depth: number
}

/**
 * Enters an object or a list.
 *
 * @param isList whether it is a list
 * @param place its place in the body
 */
export function push(reading: Frames, isList: boolean, place: Place): Frame {
  reading.depth += 1
  const frame: Frame = reading.frames[reading.depth] ?? newFrame(place)
  reading.frames[reading.depth] = frame
  frame.isList = isList
  frame.isEmpty = true
  frame.place = place
  frame.keyPlace = place
  frame.naming = undefined
  frame.type = undefined
  frame.id = undefined
  frame.hasMore = false
  frame.hasContent = false
  if (frame.seen.length > 0) frame.seen = []
  if (frame.echoes.length > 0) frame.echoes = []
  return frame
}

function newFrame(place: Place): Frame {
  const empty = { isList: false, isEmpty: true, hasMore: false, hasContent: false }
  return { ...empty, place, key: '', keyPlace: place, seen: [], echoes: [] }
}

/** Ids inside a part of a body that may be an echo of an earlier answer. In an echo they are carried, else they are names. */
interface Echo {
  /** The type of an object whose part is an echo. */
  readonly type: string
  readonly found: Found
}

interface Found {
  readonly names: Record<NamedKind, Set<string>>
  readonly carried: Record<NamedKind, Set<string>>
  size: number
}

/** The names of one body while it is read. */
export interface NameCollector {
  /**
   * Adds an id that the upstream may use.
   *
   * @throws CfileError `invalid_request` after 1,000 ids
   */
  add(kind: NamedKind, id: string): void
  /** Adds an id that the upstream does not need: that of a complete item, or one in an echo. @throws like `add` */
  carry(kind: NamedKind, id: string): void
  /** Refuses the body. @throws CfileError the given error, if the collector is strict */
  refuse(error: CfileError): void
  /** Whether the current part may be an echo. */
  isInEcho(): boolean
  /** Begins a part that may be an echo. */
  startEcho(type: string): void
  /** Ends that part. */
  endEcho(): Echo | undefined
  /** Adds all ids of a part that has ended. */
  addAll(echo: Echo, isEcho: boolean): void
  /** Files whose lines the upstream runs. */
  readonly inputFiles: Set<string>
  result(): { readonly names: Names; readonly carried: Names; readonly inputFiles: string[] }
}

/**
 * Creates the collector for one body.
 *
 * @param isStrict whether refusals are thrown; otherwise they are ignored, and so are ids after the limit
 */
export function createNameCollector(isStrict: boolean): NameCollector {
  let found = createFound()
  let outer = found
  let echo: Echo | undefined

  function put(ids: Set<string>, id: string): void {
    if (ids.has(id)) return
    if (found.size >= mostNames) {
      collector.refuse(tooManyNames())
      return
    }
    ids.add(id)
    found.size += 1
  }

  const collector: NameCollector = {
    add: (kind, id) => put(found.names[kind], id),
    carry: (kind, id) => put(found.carried[kind], id),
    refuse(error) {
      if (isStrict) throw error
    },
    isInEcho: () => echo !== undefined,
    startEcho(type) {
      outer = found
      found = createFound()
      echo = { type, found }
    },
    endEcho() {
      const ended = echo
      if (ended !== undefined) found = outer
      echo = undefined
      return ended
    },
    addAll({ found: { names, carried } }, isEcho) {
      for (const kind of namedKinds) {
        for (const id of names[kind]) put((isEcho ? found.carried : found.names)[kind], id)
        for (const id of carried[kind]) put(found.carried[kind], id)
      }
    },
    inputFiles: new Set(),
    result: () => ({
      names: toLists(found.names),
      carried: toLists(found.carried),
      inputFiles: [...collector.inputFiles],
    }),
  }
  return collector
}

function createFound(): Found {
  return { names: emptyNames(), carried: emptyNames(), size: 0 }
}

/** Notes an id of the containers API at a place that does not name things, since the upstream may read it there. */
export function carryText(collector: NameCollector, text: string | undefined): void {
  if (isContainerId(text)) collector.carry('container', text)
  else if (isContainerFileId(text)) collector.carry('file', text)
}

/** Adds the id under a naming key. In the caller's own rows, the upstream does not use the values of request keys. */
export function addName(
  collector: NameCollector,
  { place }: Frame,
  { kind, isOfRequest, isInput }: NamingKey,
  id: string,
): void {
  const isInRow = place.reads === 'data'
  if (isInput && !isInRow) collector.inputFiles.add(id)
  if (isOfRequest && isInRow) collector.carry(kind, id)
  else collector.add(kind, id)
}
