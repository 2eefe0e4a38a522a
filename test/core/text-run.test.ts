import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mayHoldLink } from '../../src/core/sandbox-links.ts'
import { readTextRun } from '../../src/core/text-run.ts'
import { frame, textDelta, type } from '../fixtures/deltas.ts'
import { rounds } from '../rounds.ts'

const encoder = new TextEncoder()
const deltas = fc.array(
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 6 }),
    fc.constantFrom(
      's',
      ' sa',
      'is',
      'sandbox:',
      'sandbox:/mnt/data/',
      '\n',
      '"',
      '\\',
      '📈',
      '\u0001',
      ' the sums',
    ),
  ),
  { minLength: 1, maxLength: 30 },
)

describe('readTextRun', () => {
  it('passes whole events up to the first that may begin a link, and reads their text as JSON.parse does', () => {
    fc.assert(
      fc.property(deltas, fc.boolean(), (texts, isCut) => {
        const frames = texts.map((delta) => textDelta(delta))
        const bytes = encoder.encode(frames.join('').slice(0, isCut ? -1 : undefined))
        const run = readTextRun(bytes, 0)
        const count = run
          ? new TextDecoder().decode(bytes.subarray(0, run.end)).split('\n\n').length - 1
          : 0
        const whole = texts.slice(0, isCut ? -1 : undefined)
        // What the next piece shows to be no link holds nothing up.
        const isFree = !mayHoldLink(whole.join(''))
        const stop = isFree ? -1 : whole.findIndex((text) => mayHoldLink(text))
        expect(count).toBe(stop === -1 ? whole.length : stop)
        if (run === undefined) return
        expect(run.text).toBe(texts.slice(0, count).join(''))
        expect([run.outputIndex, run.contentIndex]).toEqual([1, 0])
      }),
      { seed: 1, numRuns: rounds(400) },
    )
  })

  it('ends with the text of its part', () => {
    const first = textDelta('a') + textDelta('b')
    const bytes = encoder.encode(first + textDelta('c', 2))
    expect(readTextRun(bytes, 0)?.end).toBe(first.length)
    expect(readTextRun(bytes, first.length)?.outputIndex).toBe(2)
  })

  it.each([
    ['another event', frame({ type: 'response.output_text.done' })],
    ['a delta of something else', frame({ type: 'response.reasoning_text.delta' })],
    ['a delta without a place', frame({ type, delta: 'a' } as { type: string })],
    ['an event that is not whole', textDelta('a').slice(0, -1)],
    ['lines that end otherwise', textDelta('a').replaceAll('\n', '\r\n')],
    ['an escape that may be any letter', textDelta('a').replace('"a"', '"\\u0073"')],
    ['an escaped slash in what may be a link', textDelta('a').replace('"a"', '"sandbox:\\/mnt"')],
  ])('leaves %s to who reads events', (_, event) => {
    expect(readTextRun(encoder.encode(event), 0)).toBeUndefined()
  })
})
