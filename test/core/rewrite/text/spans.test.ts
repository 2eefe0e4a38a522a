import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  codePointLength,
  createSpanMemory,
  createSpanMover,
  measureText,
  type Replacement,
} from '../../../../src/core/rewrite/text/spans.ts'
import { lengthIn, sliceIn, type Unit } from '../../../fixtures/answers.ts'
import { rounds } from '../../../lib/rounds.ts'

const words = fc.constantFrom('abc ', '📈', ' – ', 'x', '👩‍💻 ', 'é')
const pieces = fc.array(fc.record({ text: words, isLink: fc.boolean() }), {
  minLength: 1,
  maxLength: 12,
})
const units = fc.constantFrom<Unit>('utf16', 'codePoint')

interface Span {
  readonly start: number
  readonly end: number
  readonly want: string
  readonly name: string
  readonly isLink: boolean
}

/** Applies replacements in ascending order. */
function replaceIn(text: string, replacements: readonly Replacement[]): string {
  let at = 0
  let result = ''
  for (const { start, end, text: replacement } of replacements) {
    result += text.slice(at, start) + replacement
    at = end
  }
  return result + text.slice(at)
}

/** A text of links and other pieces, and the span of each piece. */
function compose(parts: readonly { text: string; isLink: boolean }[], unit: Unit) {
  let text = ''
  const replacements: Replacement[] = []
  const spans: Span[] = []
  for (const [index, { text: piece, isLink }] of parts.entries()) {
    const start = text.length
    const before = isLink ? `sandbox:${piece}${index}` : piece
    const after = isLink ? 'u'.repeat(index * 7 + 1) : piece
    const name = `${piece}${index}`
    const from = lengthIn(unit, text)
    text += before
    spans.push({ start: from, end: lengthIn(unit, text), want: after, name, isLink })
    if (isLink) replacements.push({ start, end: text.length, text: after, name })
  }
  return { text, replacements, spans }
}

describe('a span', () => {
  it('covers the replacement of the text it covered before, in its own unit', () => {
    fc.assert(
      fc.property(pieces, units, (parts, unit) => {
        const { text, replacements, spans } = compose(parts, unit)
        const move = createSpanMover(measureText(text), replacements)
        const changed = replaceIn(text, replacements)
        // Links first: a span that is exactly a link reveals the unit.
        for (const { start, end, want, name } of spans.filter(({ isLink }) => isLink)) {
          expect(sliceIn(unit, changed, ...move(start, end, name))).toBe(want)
        }
      }),
      { seed: 1, numRuns: rounds(300) },
    )
  })

  it('of another kind moves once a link has shown the unit', () => {
    fc.assert(
      fc.property(pieces, units, (parts, unit) => {
        const { text, replacements, spans } = compose(parts, unit)
        const memory = createSpanMemory()
        memory.unit = unit
        const move = createSpanMover(measureText(text), replacements, memory)
        const changed = replaceIn(text, replacements)
        for (const { start, end, want } of spans) {
          expect(sliceIn(unit, changed, ...move(start, end))).toBe(want)
        }
      }),
      { seed: 1, numRuns: rounds(300) },
    )
  })

  it('moves equally in every copy, and wrong spans change nothing else', () => {
    fc.assert(
      fc.property(pieces, units, fc.nat(400), fc.nat(400), (parts, unit, start, end) => {
        const { text, replacements } = compose(parts, unit)
        const memory = createSpanMemory()
        const first = createSpanMover(measureText(text), replacements, memory)(start, end)
        expect(createSpanMover(measureText(text), replacements, memory)(start, end)).toEqual(first)
        const [from, to] = first
        if (start > end || end > text.length) expect(first).toEqual([start, end])
        else expect(from).toBeLessThanOrEqual(to)
      }),
      { seed: 1, numRuns: rounds(300) },
    )
  })

  it('of 0, 0 stays, even if the text begins with a link', () => {
    const link = { start: 0, end: 10, text: 'a much longer text', name: 'x' }
    expect(createSpanMover(measureText('sandbox:/x and more'), [link])(0, 0)).toEqual([0, 0])
  })

  it('is measured in code points without copying the text for each span', () => {
    expect(codePointLength('a📈é')).toBe(3)
    expect(codePointLength('\ud83d')).toBe(1)
  })
})
