import { describe, expect, it } from 'vitest'
import { textOf } from '../../../src/archives/lib/xml.ts'

describe('a text in XML', () => {
  it('keeps unknown entities, also those with names of inherited properties', () => {
    expect(textOf('<a>&lt;&#65;&constructor;&toString;&nbsp;</a>', 'a')).toBe(
      '<A&constructor;&toString;&nbsp;',
    )
  })
})
