import { describe, expect, it } from 'vitest'
import { webHmac } from '../../../src/core/links/keys.ts'
import { createKeyRing, parseApiKeys } from '../../../src/routes/callers/callers.ts'

const hmac = webHmac(new Uint8Array(32))

describe('parseApiKeys', () => {
  it('reads owners and keys, with colons in a key and several keys for one owner', () => {
    const text = 'ann:first-key-of-ann, ann:second:key-of-ann,*:the-key-of-admin'
    expect(parseApiKeys(text)).toEqual([
      { owner: 'ann', key: 'first-key-of-ann' },
      { owner: 'ann', key: 'second:key-of-ann' },
      { owner: '*', key: 'the-key-of-admin' },
    ])
  })

  it('refuses a key of fewer than 16 characters, which can be found by trying', () => {
    expect(() => parseApiKeys(`ann:${'k'.repeat(16)},bob:${'b'.repeat(15)}`)).toThrow(
      /entry 2 has a key of 15 characters; it takes .* 16 characters or more/,
    )
    expect(() => parseApiKeys('ann:k')).toThrow(/entry 1 has a key of 1 characters/)
  })

  it('names the setting and the entry, and shows nothing of a key', () => {
    const long = 's3cr3t-that-is-long'
    for (const [text, fault] of [
      ['s3cr3t', /entry 1 has no name/],
      [':s3cr3t', /entry 1 has no name/],
      ['ann:', /entry 1 has nothing after/],
      ['ann:x,s3cr3t', /entry 2 has no name/],
      ['ann:s3cr3t', /entry 1 has a key of 6 characters/],
      [`ann:${long},bob:${long}`, /entry 2 has the key of another/],
      [`ann:${long} s3cr3t`, /entry 1 has a key that is not printable/],
      [`ann:${long}ü`, /entry 1 has a key that is not printable/],
    ] as const) {
      const parse = () => parseApiKeys(text)
      expect(parse, text).toThrow(fault)
      expect(parse).toThrow(/^CFILE_API_KEYS got .* takes owner:key/)
      expect(parse).not.toThrow('s3cr3t')
    }
  })
})

describe('createKeyRing', () => {
  const ring = createKeyRing(
    [
      { owner: 'ann', key: 'a1' },
      { owner: 'bob', key: 'b1' },
      { owner: 'ann', key: 'a2' },
      { owner: '*', key: 'root' },
    ],
    hmac,
  )

  it('identifies each owner by each of its keys, and an admin', async () => {
    expect(await ring.find('a1')).toEqual({ owner: 'ann', admin: false })
    expect(await ring.find('a2')).toEqual({ owner: 'ann', admin: false })
    expect(await ring.find('b1')).toEqual({ owner: 'bob', admin: false })
    expect(await ring.find('root')).toEqual({ owner: '*', admin: true })
  })

  it('accepts no other text', async () => {
    for (const key of [
      '',
      'a',
      'a11',
      'A1',
      'ann',
      'ann:a1',
      '*',
      'a1,bob:b1',
      'x'.repeat(100_000),
    ]) {
      expect(await ring.find(key), key.slice(0, 20)).toBeUndefined()
    }
    expect(await createKeyRing([], hmac).find('a1')).toBeUndefined()
  })
})
