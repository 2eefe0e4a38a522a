import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PlainHeaders } from '../../src/node-http/headers.ts'

const name = fc.constantFrom('etag', 'ETag', 'vary', 'set-cookie', 'constructor', '__proto__')
const value = fc.constantFrom('a', 'b, c', 'é', '', ' a ', 'b\tc')
const step = fc.oneof(
  fc.record({ act: fc.constantFrom('set', 'append'), name, value }),
  fc.record({ act: fc.constantFrom('delete', 'get', 'has', 'list'), name }),
)

/** Applies a step. Returns what it gives. */
function apply(
  headers: Headers,
  { act, name, value = '' }: { act: string; name: string; value?: string },
) {
  if (act === 'set') return headers.set(name, value)
  if (act === 'append') return headers.append(name, value)
  if (act === 'delete') return headers.delete(name)
  if (act === 'get') return headers.get(name)
  if (act === 'has') return headers.has(name)
  return [...headers]
}

/** The lines that Node writes. */
function linesOf(headers: Headers): string[] {
  const written = Object.entries(PlainHeaders.plainOf(headers))
  return written.flatMap(([name, values]) => [values].flat().map((one) => `${name}: ${one}`)).sort()
}

describe('the headers of an answer on Node', () => {
  it('are those of the web standard after any steps', () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const plain = new PlainHeaders({ etag: '"a"', vary: 'origin' })
        const standard = new Headers({ etag: '"a"', vary: 'origin' })
        for (const one of steps) expect(apply(plain, one)).toEqual(apply(standard, one))
        expect(linesOf(plain)).toEqual(linesOf(standard))
        expect([...plain]).toEqual([...standard])
        expect(plain.getSetCookie()).toEqual(standard.getSetCookie())
      }),
    )
  })

  it('keep every cookie', () => {
    const headers = new PlainHeaders({ 'set-cookie': ['a=1', 'b=2'] })
    expect(headers.get('set-cookie')).toBe('a=1, b=2')
    expect(new Headers(headers).getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(PlainHeaders.plainOf(headers)).toEqual({ 'set-cookie': ['a=1', 'b=2'] })
  })

  it('refuse a value with a line break', () => {
    expect(() => new PlainHeaders({}).set('x-a', 'a\r\nx-b: c')).toThrow(TypeError)
  })
})
