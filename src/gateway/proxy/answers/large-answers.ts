/**
 * Large answers: long texts that repeat the request (tools, instructions) are cut out while the rest is parsed, so that
 * one large answer does not block other requests.
 *
 * @module
 */

import { joinBytes } from '../../../core/http/body.ts'
import { largeJson, type SetAside, setAside, type Where } from '../../../core/json/set-aside.ts'
import type { Emit, EventHandler } from '../../../core/sse/pump.ts'
import { dataSpan } from '../../../core/sse/split.ts'
import { inTurns } from '../../../core/time.ts'
import type { Gateway } from '../../gateway.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** An answer whose long texts were cut out. */
interface CutAnswer {
  /** JSON without the long texts; absent when the answer holds too many values to be parsed. */
  readonly json?: Bytes
  /** Puts the long texts back into the (changed) JSON. */
  restore(json: Bytes): Promise<Bytes>
}

// In bytes. Pictures that become links are recognized by their length, so they must not be cut out.
const longestPicture = 16 * 1024 ** 2

/** Length in bytes up to which texts stay in the answer; `undefined`: the default. */
function longTextFor({ links: { inlineImages } }: Gateway): number | undefined {
  return inlineImages === 'link' ? longestPicture : undefined
}

/**
 * Cuts the long texts out of a JSON answer. Small answers stay whole.
 *
 * @param whole the JSON as bytes
 * @returns the JSON to parse, and the function that puts the texts back
 */
export async function cutLongTexts(gateway: Gateway, whole: Bytes): Promise<CutAnswer> {
  const { log } = gateway
  const { wait } = gateway.runtime
  const asIs = { json: whole, restore: async (json: Bytes) => json }
  if (whole.length < largeJson) return asIs
  const all = { start: 0, end: whole.length, longText: longTextFor(gateway) }
  const aside = await inTurns(wait, setAside(whole, all, gateway.runtime.newToken()))
  if (aside === undefined) return asIs
  const restore = async (json: Bytes) =>
    aside.bytes === undefined ? json : inTurns(wait, joinBytes(aside.restore(json)))
  if (!aside.isDense) return { json: aside.bytes ?? whole, restore }
  log('warn', 'An answer holds too many values to be read, so nothing of it is recorded or linked.')
  return { restore }
}

/**
 * Wraps a handler so that it gets large events without their long texts. The events that it emits are restored.
 *
 * @param handler the handler for events without long texts
 */
export function throughLargeEvents(gateway: Gateway, handler: EventHandler): EventHandler {
  const { wait } = gateway.runtime
  // A handler may delay events, so each emitted event is checked against all texts that were cut out.
  const open = new Set<SetAside>()
  const whole = (emit: Emit): Emit => {
    if (open.size === 0) return emit
    return (raw) => {
      let pieces: readonly Uint8Array[] = [raw]
      for (const aside of open) {
        const restored = pieces.flatMap(aside.restore)
        if (restored.length > pieces.length) open.delete(aside)
        pieces = restored
      }
      pieces.forEach(emit)
    }
  }
  async function pushLarge(raw: Uint8Array, where: Where, emit: Emit): Promise<void> {
    const aside = await inTurns(wait, setAside(raw, where, gateway.runtime.newToken()))
    if (aside?.bytes !== undefined) open.add(aside)
    await handler.push(aside?.bytes ?? raw, whole(emit))
  }
  return {
    ...handler,
    push(raw, emit) {
      const data = raw.length < largeJson ? undefined : dataSpan(raw)
      if (data === undefined) return handler.push(raw, whole(emit))
      return pushLarge(raw, { ...data, member: 'response', longText: longTextFor(gateway) }, emit)
    },
    end: (emit) => handler.end(whole(emit)),
  }
}
