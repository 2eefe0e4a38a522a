import { describe, expect, it } from 'vitest'
import { textOf } from '../../../src/archives/lib/xml.ts'

describe('a text in XML', () => {
  it('keeps what is no entity of XML, also where every object has a key of that name', () => {
    expect(textOf('<a>&lt;&#65;&constructor;&toString;&nbsp;</a>', 'a')).toBe(
      '<A&constructor;&toString;&nbsp;',
    )
  })
})
