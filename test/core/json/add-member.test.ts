import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addMember } from '../../../src/core/json/add-member.ts'
import { rounds } from '../../lib/rounds.ts'

function add(json: string): string {
  const steps = addMember(new TextEncoder().encode(json), 'model', 'd "1"')
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return new TextDecoder().decode(step.value)
  }
}

describe('addMember', () => {
  it('adds the member last and keeps every other byte', () => {
    expect(add('{}')).toBe('{"model":"d \\"1\\""}')
    expect(add(' { "a" : 1.50,\n"b":{"model":"x"} }\n')).toBe(
      ' { "a" : 1.50,\n"b":{"model":"x"} ,"model":"d \\"1\\""}\n',
    )
  })

  it.each([
    '{"model":"own"}',
    '{"model":null,"a":1}',
    '{"\\u006dodel":"own"}',
    '[]',
    '"model"',
    '1',
    '',
    '{"a":NaN}',
    '{"a":1,}',
    '{} {}',
  ])('leaves %s as it is', (json) => {
    expect(add(json)).toBe(json)
  })

  it('turns any object into the same object with the member', () => {
    const property = fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const object = JSON.parse(JSON.stringify(value))
      const expected = Object.hasOwn(object, 'model') ? object : { ...object, model: 'd "1"' }
      expect(JSON.parse(add(JSON.stringify(value, null, 1)))).toEqual(expected)
    })
    fc.assert(property, { numRuns: rounds(200) })
  })
})
