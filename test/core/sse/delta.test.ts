import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isDeltaEvent,
  readTextDelta,
  skipDeltas,
  skipTextDeltas,
} from '../../../src/core/sse/delta.ts'
import { frame, textDelta, type } from '../../fixtures/deltas.ts'
import { rounds } from '../../lib/rounds.ts'

const encoder = new TextEncoder()
const bytesOf = (text: string) => encoder.encode(text)

describe('a delta event', () => {
  it('is recognised by its first line, with any content', () => {
    expect(isDeltaEvent(bytesOf(textDelta('sandbox:/mnt/data/a.csv')))).toBe(true)
    const code = frame({ type: 'response.code_interpreter_call_code.delta' })
    expect(isDeltaEvent(bytesOf(code))).toBe(true)
    expect(isDeltaEvent(bytesOf(code.replaceAll('\n', '\r\n')))).toBe(true)
    expect(isDeltaEvent(bytesOf(frame({ type: 'response.output_text.done' })))).toBe(false)
  })
})

describe('a piece of text', () => {
  it('is read as JSON.parse reads it, with or without an event line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), fc.boolean(), (text, at, named) => {
        const event = textDelta(text, at)
        const sent = named ? event : event.slice(event.indexOf('\n') + 1)
        const read = { outputIndex: at, contentIndex: 0, text }
        expect(readTextDelta(bytesOf(sent))).toMatchObject(read)
      }),
      { seed: 1, numRuns: rounds(300) },
    )
  })

  it.each([
    ['another event', frame({ type: 'response.output_text.done' })],
    ['a delta of something else', frame({ type: 'response.reasoning_text.delta' })],
    ['a delta without a place', frame({ type, delta: 'a' } as { type: string })],
    ['an event that is cut', textDelta('a').slice(0, -10)],
    ['lines that end otherwise', textDelta('a').replaceAll('\n', '\r\n')],
    ['data of two lines', textDelta('a').replace(',"delta"', '\ndata: ,"delta"')],
    ['another order of members', textDelta('a').replace('"delta":"a"', '"x":1,"delta":"a"')],
  ])('is not read without a JSON parser if it is %s', (_, event) => {
    expect(readTextDelta(bytesOf(event))).toBeUndefined()
  })
})

describe('skipping in a chunk', () => {
  const other = frame({ type: 'response.output_text.done' })
  const code = frame({ type: 'response.code_interpreter_call_code.delta' })
  const lengthOf = (text: string) => bytesOf(text).length

  it('ends before an event that may name a file', () => {
    const run = textDelta('a😀') + code
    expect(skipDeltas(bytesOf(other + run + other), lengthOf(other))).toBe(lengthOf(other + run))
    expect(skipDeltas(bytesOf(other), 0)).toBe(0)
  })

  it('ends before an event that goes on in the next chunk', () => {
    for (const cut of [1, 2, 5, 40]) {
      const text = textDelta('a') + textDelta('b').slice(0, -cut)
      expect(skipDeltas(bytesOf(text), 0)).toBe(lengthOf(textDelta('a')))
    }
  })

  it.each([
    ['carriage returns', textDelta('a').replaceAll('\n', '\r\n')],
    [
      'a carriage return in the data, which begins another event',
      textDelta('a\u2028').replace('\u2028', '\r\r'),
    ],
    ['a third line', textDelta('a').replace('\n\n', '\ndata: {"container_id":"cntr_1"}\n\n')],
  ])('leaves an event with %s to the reader of whole events', (_, event) => {
    expect(skipDeltas(bytesOf(event + event), 0)).toBe(0)
    expect(skipTextDeltas(bytesOf(event + event), 0, () => true)).toBe(0)
  })

  it('gives each piece of text once and in order, and ends at the first that is refused', () => {
    const pieces = fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 8 })
    fc.assert(
      fc.property(pieces, fc.nat(9), (texts, refused) => {
        const events = texts.flatMap((text, at) =>
          at % 3 === 1 ? [code, textDelta(text)] : [textDelta(text)],
        )
        const taken: string[] = []
        const take = ({ text }: { readonly text: string }) =>
          taken.length < refused && taken.push(text) > 0
        const end = skipTextDeltas(bytesOf(events.join('')), 0, take)
        expect(taken).toEqual(texts.slice(0, refused))
        const isWhole = taken.length === texts.length
        if (isWhole) expect(end).toBe(lengthOf(events.join('')))
      }),
      { seed: 2, numRuns: rounds(200) },
    )
  })
})
