import { describe, expect, it } from 'vitest'
import { isDeltaEvent, skipDeltas, skipOtherDeltas } from '../../src/core/delta-events.ts'
import { frame, textDelta } from '../fixtures/deltas.ts'

const encoder = new TextEncoder()

describe('skipDeltas', () => {
  it('passes deltas of any kind, and nothing that is none', () => {
    const run =
      textDelta('sandbox:/mnt/data/a.csv') +
      frame({ type: 'response.code_interpreter_call_code.delta' })
    expect(isDeltaEvent(encoder.encode(run))).toBe(true)
    const bytes = encoder.encode(`${run}${frame({ type: 'response.output_text.done' })}`)
    expect(skipDeltas(bytes, 0)).toBe(run.length)
    expect(skipDeltas(bytes, run.length)).toBe(run.length)
    expect(skipDeltas(bytes.subarray(0, run.length - 1), 0)).toBe(
      textDelta('sandbox:/mnt/data/a.csv').length,
    )
  })
  it('passes what is no text of the answer, where that has to be looked at', () => {
    const other = frame({ type: 'response.code_interpreter_call_code.delta' })
    const bytes = encoder.encode(other + other + textDelta('a') + other)
    expect(skipOtherDeltas(bytes, 0)).toBe(2 * other.length)
    expect(skipOtherDeltas(bytes, 2 * other.length)).toBe(2 * other.length)
  })
})
