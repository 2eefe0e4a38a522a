/**
 * The state of a reader of JSON bodies: one frame for each object and list that has not ended.
 *
 * @module
 */

import type { Place } from './body-places.ts'
import type { Echo } from './name-collector.ts'
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
