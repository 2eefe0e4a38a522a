import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../../src/core/http/body.ts'
import { setAside } from '../../../src/core/json/set-aside.ts'
import { atOnce } from '../../lib/at-once.ts'
import { rounds } from '../../lib/rounds.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

function open(json: string, member?: string) {
  const bytes = encode(json)
  const aside = atOnce(setAside(bytes, { start: 0, end: bytes.length, member }, 'token'))
  return aside && { ...aside, left: aside.bytes === undefined ? json : decode(aside.bytes) }
}

const large = (what: string): string => `[${`${what},`.repeat(70_000 / what.length)}${what}]`

describe('setAside', () => {
  it('takes out large members without files, and puts them back to the byte', () => {
    const value = fc.oneof(
      fc.json({ maxDepth: 2 }),
      fc.constantFrom(large('1'), large('{"a":"ä"}')),
    )
    const key = fc.constantFrom('tools', 'instructions', 'output', 'id', 'a')
    fc.assert(
      fc.property(fc.array(fc.tuple(key, value), { maxLength: 5 }), (members) => {
        const json = `{ ${members.map(([name, one]) => `"${name}" : ${one}`).join(' , ')}}`
        const aside = open(json)
        expect(decode(concatBytes(aside?.restore(encode(aside.left)) ?? []))).toBe(json)
        const isKept = members.every(([name, one]) => name === 'output' || one.length < 60_000)
        expect(aside?.left === json).toBe(isKept)
      }),
      { numRuns: rounds(50) },
    )
  })

  it('keeps the text around them, whether it was changed or not', () => {
    const aside = open(`{"tools":${large('1')},"output":[1]}`)
    expect(aside?.left).toBe('{"tools":"token-0","output":[1]}')
    const changed = aside?.left.replace('[1]', '[1,{"url":"x"}]') ?? ''
    expect(decode(concatBytes(aside?.restore(encode(changed)) ?? []))).toBe(
      `{"tools":${large('1')},"output":[1,{"url":"x"}]}`,
    )
  })

  it('takes out long texts at any depth, also those inside a part that is taken out later', () => {
    const long = JSON.stringify('x'.repeat(600_000))
    const json = `{"tools":[${long},${large('1')}],"output":[{"a":${long},"b":1}]}`
    const aside = open(json)
    expect(aside?.left).toBe('{"tools":"token-0","output":[{"a":"token-1","b":1}]}')
    expect(decode(concatBytes(aside?.restore(encode(aside.left)) ?? []))).toBe(json)
  })

  it('takes out parts of one member only, if that member is named', () => {
    const tools = large('1')
    const event = `{"tools":${tools},"response":{"tools":${tools}},"other":{"tools":${tools}}}`
    expect(open(event, 'response')?.left).toBe(
      `{"tools":${tools},"response":{"tools":"token-0"},"other":{"tools":${tools}}}`,
    )
  })

  it('reports too many values for parsing, unless they were taken out', () => {
    const many = `[${'1,'.repeat(600_000)}1]`
    expect(open(`{"output":${many}}`)?.isDense).toBe(true)
    expect(open(`{"tools":${many},"output":[]}`)?.isDense).toBe(false)
  })

  it('returns nothing for bytes that are not JSON', () => {
    expect(open('{"tools":')).toBeUndefined()
  })
})
