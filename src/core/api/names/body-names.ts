/**
 * Reads which ids a request's JSON body names. A body that can be read in two ways is refused, because the upstream may
 * read it differently than cfile.
 *
 * @module
 */

import type { CfileError } from '../../errors.ts'
import { isId } from '../../ids.ts'
import { scanJson } from '../../json/scan.ts'
import { jsonTextAt } from '../../json/value.ts'
import { bodyPlace, type Place, placeBelow } from './body-places.ts'
import {
  addName,
  carryText,
  createNameCollector,
  type Frame,
  type Frames,
  type NameCollector,
  push,
} from './body-state.ts'
import { emptyNames, type Names, toLists } from './named-ids.ts'
import {
  duplicateKey,
  isLookalike,
  lookalikeKey,
  type NamingKey,
  namingKeys,
  notAnId,
} from './naming-keys.ts'

/** Facts in a body that decide its upstream and whether the caller may send it. */
export interface BodyNames {
  readonly names: Names
  /**
   * Ids that the upstream does not need: those of items that the body contains in full, and those in citations and
   * search results of earlier answers. The caller may send unknown ones, but not another owner's.
   */
  readonly carried: Names
  /** Files whose lines the upstream runs: the requests of a batch or the rows of an eval. They are among the names. */
  readonly inputFiles: readonly string[]
  /** Whether the body may read things of all owners. */
  readonly readsAll: boolean
  /** Whether it asks the upstream to store a chat completion. */
  readonly isStored: boolean
  /** Whether it asks for an audio answer, which gets an id. */
  readonly wantsAudio: boolean
  readonly model?: string
}

/** The result for a body that is not read. */
export const noBodyNames: BodyNames = {
  names: toLists(emptyNames()),
  carried: toLists(emptyNames()),
  inputFiles: [],
  readsAll: false,
  isStored: false,
  wantsAudio: false,
}

/**
 * Reads the ids in a JSON body. Yields at points where other work may run.
 *
 * @param bytes a whole request body
 * @param isStrict whether to refuse a body that can be read in two ways; otherwise ambiguous ids and ids after the
 *   limit are ignored
 * @param root how to read the whole body; another place for a body inside other data
 * @throws CfileError `invalid_request` for a body that is not JSON; if strict, also for an ambiguous id and for more
 *   than 1,000 ids
 */
export function* readBodyNames(
  bytes: Uint8Array,
  isStrict = true,
  root: Place = bodyPlace,
): Generator<undefined, BodyNames> {
  const collector = createNameCollector(isStrict)
  const marks = { readsAll: false, isStored: false, wantsAudio: false }
  const reading: Reading = { bytes, root, frames: [], depth: 0, collector, ...marks }
  yield* scanJson(bytes, {
    key: (start, end) => enterKey(reading, start, end),
    scalar: (start, end) => readScalar(reading, start, end),
    open: (_, isList) => openValue(reading, isList),
    close: () => closeValue(reading),
  })
  const { readsAll, isStored, wantsAudio, model } = reading
  return { ...collector.result(), readsAll, isStored, wantsAudio, model }
}

interface Reading extends Frames {
  readonly bytes: Uint8Array
  readonly root: Place
  readonly collector: NameCollector
  readsAll: boolean
  isStored: boolean
  wantsAudio: boolean
  model?: string
}

const thing = { kind: 'thing', takes: 'id' } as const

// An item with one of these keys is complete, so its id is not needed to find it.
const contentKeys = new Set(['content', 'encrypted_content', 'result'])
const decidingKeys = new Set(['type', 'id', ...contentKeys])
const foundById = new Set(['reasoning', 'image_generation_call'])

// The lines and results of a batch in a storage account, which the upstream reads and writes with its own rights.
const inStorage = /^(?:input_?blob|output_?folder)$/i

/** Reads a key: the place of its value, and whether it was given before. */
function enterKey(reading: Reading, start: number, end: number): void {
  const frame = reading.frames[reading.depth]
  if (frame === undefined || frame.place.reads === 'opaque') return
  const key = jsonTextAt(reading.bytes, start, end) ?? ''
  frame.key = key
  frame.keyPlace = placeBelow(frame.place, key)
  frame.keyNaming = frame.place.each === undefined ? namingKeys.get(key) : undefined
  if (frame.place.each !== undefined || frame.place.reads === 'data') return
  if (reading.depth === 1 && inStorage.test(key)) reading.readsAll = true
  if (isLookalike(key)) refuse(reading, frame, lookalikeKey(key))
  const decides = frame.keyNaming ?? (decidingKeys.has(key) || frame.place.mustMatch?.has(key))
  if (!decides) return
  if (frame.seen.includes(key)) refuse(reading, frame, duplicateKey(key))
  frame.seen.push(key)
}

/** Reads a string, a number or a literal: as an id under a naming key, else as a text that may be one. */
function readScalar(reading: Reading, start: number, end: number): void {
  const frame = reading.frames[reading.depth]
  if (frame === undefined || frame.place.reads === 'opaque') return
  frame.isEmpty = false
  const naming = frame.isList ? frame.naming : frame.keyNaming
  if (naming !== undefined) nameScalar(reading, frame, naming, start, end)
  else carryScalar(reading, frame, start, end)
  if (!frame.isList) noteScalar(reading, frame, start, end)
}

const quote = 34
const letterN = 110
const letterT = 116

/**
 * Reads the value of a naming key.
 *
 * @param naming how the key names things
 */
function nameScalar(
  reading: Reading,
  frame: Frame,
  naming: NamingKey,
  start: number,
  end: number,
): void {
  const { takes } = naming
  const { collector } = reading
  const first = reading.bytes[start]
  if (first === letterN && !frame.isList) return
  const text = first === quote ? jsonTextAt(reading.bytes, start, end) : undefined
  const isMisplaced = takes === 'ids' && !frame.isList && frame.place.reads === undefined
  const isValid = naming.isId(text)
  const isText = takes === 'object' && !naming.isIdText(text)
  // An echo may have ids of a form that this version does not know. Nobody owns them.
  const isKnown = isValid || (collector.isInEcho() && isId(text))
  if (isText || !isValid) carryText(collector, text)
  // A parser that trims the text would find an id.
  if (isText && !naming.isIdText(text?.split('\0')[0]?.trim())) return
  if (isKnown && !isMisplaced && !isText) addName(collector, frame, naming, text ?? '')
  else refuse(reading, frame, notAnId(frame.key, naming))
}

const letterC = 99
const backslash = 92
const longestQuotedId = 130

/** Notes a text that may be an id of the containers API. */
function carryScalar(
  { bytes, collector }: Reading,
  frame: Frame,
  start: number,
  end: number,
): void {
  const second = bytes[start + 1]
  const isShort = second === letterC && end - start <= longestQuotedId
  // Types such as "container_auto" look like ids.
  const isType = !frame.isList && frame.key === 'type'
  if (bytes[start] !== quote || isType || !(isShort || second === backslash)) return
  carryText(collector, jsonTextAt(bytes, start, end))
}

/** Stores an object's `type` and `id`. */
function noteScalar(reading: Reading, frame: Frame, start: number, end: number): void {
  const { bytes, depth } = reading
  const { key } = frame
  const isText = bytes[start] === quote
  const allowed = frame.place.mustMatch?.get(key)
  const fits =
    allowed === undefined || (isText && allowed.test(jsonTextAt(bytes, start, end) ?? ''))
  if (!fits) reading.readsAll = true
  const isNullOrEmpty = bytes[start] === letterN || (isText && end - start === 2)
  if (key === 'type') frame.type = isText ? jsonTextAt(bytes, start, end) : undefined
  else if (key === 'id' && bytes[start] !== letterN)
    frame.id = (isText ? jsonTextAt(bytes, start, end) : undefined) ?? ''
  else if (!isNullOrEmpty) noteMore(frame)
  if (depth !== 1) return
  if (key === 'model' && isText) reading.model = jsonTextAt(bytes, start, end)
  if (key === 'store') reading.isStored = bytes[start] === letterT
}

/** Notes that an object has more than a type, an id and a status. */
function noteMore(frame: Frame): void {
  const { key } = frame
  if (key === 'type' || key === 'id' || key === 'status') return
  frame.hasMore = true
  if (contentKeys.has(key)) frame.hasContent = true
}

/** Enters an object or a list, and checks that its key may have one. */
function openValue(reading: Reading, isList: boolean): void {
  const parent = reading.frames[reading.depth]
  if (parent === undefined) {
    push(reading, isList, reading.root)
    return
  }
  parent.isEmpty = false
  if (reading.depth === 1 && parent.key === 'audio') reading.wantsAudio = true
  const place = parent.isList ? parent.place : parent.keyPlace
  const naming = parent.isList ? parent.naming : parent.keyNaming
  const isAllowed = parent.isList || parent.place.members?.has(parent.key)
  if (parent.place.mustMatch?.has(parent.key) && !isAllowed) reading.readsAll = true
  if (!parent.isList && place.echoOf !== undefined) reading.collector.startEcho(place.echoOf)
  const frame = push(reading, isList, place)
  if (isList && place.mustMatch !== undefined) reading.readsAll = true
  if (parent.place.reads === 'opaque') return
  if (!parent.isList && parent.key === 'id' && parent.place.each === undefined) {
    refuse(reading, parent, notAnId('id', thing))
  }
  if (naming === undefined) return
  frame.naming = naming
  // For messages about the elements of a list.
  frame.key = parent.key
  if (!mayHold(naming, parent.isList, isList)) {
    refuse(reading, parent, notAnId(parent.key, naming))
  }
}

/** Whether an object or a list may be the value of a key that names. */
function mayHold({ takes }: NamingKey, isInList: boolean, isList: boolean): boolean {
  if (takes === 'object') return true
  return isList ? takes === 'ids' && !isInList : takes === 'either'
}

/** Leaves an object or a list. */
function closeValue(reading: Reading): void {
  const frame = reading.frames[reading.depth]
  reading.depth -= 1
  const parent = reading.frames[reading.depth]
  if (frame === undefined) return
  if (!frame.isList && frame.place.reads !== 'opaque') closeObject(reading, frame)
  if (parent === undefined || parent.isList) return
  const echo = parent.keyPlace.echoOf === undefined ? undefined : reading.collector.endEcho()
  if (echo !== undefined) parent.echoes.push(echo)
  if (!frame.isEmpty) noteMore(parent)
}

/** Evaluates an object at its end, when its type and id are known. */
function closeObject(reading: Reading, frame: Frame): void {
  const { collector } = reading
  const { place, naming, type, id, echoes } = frame
  for (const echo of echoes) {
    collector.addAll(echo, echo.type === type)
  }
  for (const key of place.mustMatch?.keys() ?? [])
    if (!frame.seen.includes(key)) reading.readsAll = true
  if (id === undefined || place.hasLocalIds || place.each !== undefined) return
  if (naming !== undefined) {
    if (naming.isId(id)) addName(collector, frame, naming, id)
    else refuse(reading, frame, notAnId('id', { ...naming, takes: 'id' }))
  } else if (isReference(frame)) {
    // In the caller's own rows, any other object may have an id.
    const isOfRow = place.reads === 'data' && type !== 'item_reference'
    if (!isId(id)) refuse(reading, frame, notAnId('id', thing))
    else if (isOfRow) collector.carry('thing', id)
    else collector.add('thing', id)
  } else if (place.isItem && isId(id)) {
    collector.carry('thing', id)
  }
}

/** Whether an object with an id refers to a thing, such as an item of an earlier answer, instead of containing it. */
function isReference({ type = '', hasMore, hasContent }: Frame): boolean {
  return type === 'item_reference' || !hasMore || (foundById.has(type) && !hasContent)
}

/** Refuses the body, except for the caller's own data rows: these may contain any keys. */
function refuse({ collector }: Reading, { place }: Frame, error: CfileError): void {
  if (place.reads === undefined) collector.refuse(error)
}
