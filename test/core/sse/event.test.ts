import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDeltaEvent, readTextDelta } from '../../../src/core/sse/event.ts'
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
        expect(readTextDelta(bytesOf(sent))).toEqual({ outputIndex: at, contentIndex: 0, text })
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
