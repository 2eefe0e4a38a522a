import { describe, expect, it } from 'vitest'
import { checkSigningKeys, parseSigningKeys } from '../../../src/core/links/keys.ts'

const secret = 'correct-horse-battery-staple-0001'

describe('parseSigningKeys', () => {
  it('reads several keys in order, with colons in a secret and blanks between entries', () => {
    const keys = parseSigningKeys(`2026-09:${secret}, old:${secret}:x`)
    expect(keys.map(({ kid }) => kid)).toEqual(['2026-09', 'old'])
    expect(new TextDecoder().decode(keys[1]?.secret)).toBe(`${secret}:x`)
  })

  it('counts bytes, not characters', () => {
    expect(parseSigningKeys(`k:${'ü'.repeat(16)}`)).toHaveLength(1)
    expect(() => parseSigningKeys(`k:${'u'.repeat(31)}`)).toThrow(
      /entry 1 has a secret of 31 bytes/,
    )
  })

  it('names the setting and the entry, and shows no part of a secret', () => {
    for (const [text, fault] of [
      [secret, /entry 1 has no name/],
      [`:${secret}`, /entry 1 has no name/],
      [`a:${secret},${secret}`, /entry 2 has no name/],
      [`a:${secret},`, /entry 2 has no name/],
      ['a:', /entry 1 has nothing after/],
      [`a:${secret},a:${secret}x`, /entry 2 has the kid of another/],
      [`a b:${secret}`, /entry 1 has a kid that is not/],
      [`${'k'.repeat(65)}:${secret}`, /entry 1 has a kid that is not/],
    ] as const) {
      const parse = () => parseSigningKeys(text)
      expect(parse, text).toThrow(fault)
      expect(parse).toThrow(/^CFILE_SIGNING_KEYS got .* takes kid:secret/)
      expect(parse).not.toThrow(secret)
      expect(parse).toThrow(expect.objectContaining({ code: 'invalid_request' }))
    }
  })
})

describe('checkSigningKeys', () => {
  it('refuses an empty list of keys', () => {
    expect(() => checkSigningKeys([])).toThrow(/CFILE_SIGNING_KEYS/)
  })
})
