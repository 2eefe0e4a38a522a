/**
 * The text parts of a stream, and what the events so far told of each.
 *
 * @module
 */

import type { EventFields } from './events.ts'
import type { StreamedText } from './held-text.ts'
import { createSpanMemory, type Replacement, type SpanMemory } from './spans.ts'

/** A text part, from its first event on. */
export interface StreamPart {
  readonly outputIndex: number
  readonly contentIndex: number
  /** Whether the stream may have been taken up in the middle of it. */
  readonly isTail: boolean
  readonly memory: SpanMemory
  /** Its deltas, once there was one. */
  streamed?: StreamedText
  /** How the last whole copy was changed, for the next to follow. */
  decided?: { readonly text: string; readonly replacements: readonly Replacement[] }
}

/** The parts of one stream. */
export interface StreamParts {
  /** Whether no event was seen yet. */
  isNew(): boolean
  /** Takes note of an event; to be called before its parts are asked for. */
  see(event: EventFields): void
  at(outputIndex: number, contentIndex: number): StreamPart
  /** Those of whose text something is held back. */
  holding(): readonly StreamPart[]
}

/** Begins without any. */
export function createStreamParts(): StreamParts {
  const parts = new Map<string, StreamPart>()
  const begun = new Set<string>()
  let isResumed: boolean | undefined

  return {
    isNew: () => isResumed === undefined,
    see({ type, sequenceNumber = 0, outputIndex = 0, contentIndex = 0 }) {
      isResumed ??= sequenceNumber > 0 && type !== 'response.created'
      if (type === 'response.content_part.added') begun.add(`${outputIndex} ${contentIndex}`)
    },
    at(outputIndex, contentIndex) {
      const key = `${outputIndex} ${contentIndex}`
      const part = parts.get(key) ?? {
        outputIndex,
        contentIndex,
        isTail: isResumed === true && !begun.has(key),
        memory: createSpanMemory(),
      }
      parts.set(key, part)
      return part
    },
    holding: () => [...parts.values()].filter(({ streamed }) => streamed?.isHolding()),
  }
}
