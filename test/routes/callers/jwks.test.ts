import { describe, expect, it } from 'vitest'
import { readKeySet } from '../../../src/routes/callers/remote-keys.ts'
import { createIssuer } from '../../lib/tokens.ts'

describe('readKeySet', () => {
  it('reads the keys of each algorithm, whether they name it or not', async () => {
    const [rsa, ec, ed] = await Promise.all([
      createIssuer('RS256', 'r'),
      createIssuer('ES256', 'e'),
      createIssuer('EdDSA'),
    ])
    const keys = await readKeySet({
      keys: [
        rsa.jwk,
        { ...rsa.jwk, alg: 'RS256', use: 'sig', key_ops: ['verify'], x5c: ['abc'], ext: true },
        ec.jwk,
        { ...ec.jwk, alg: 'ES256' },
        ed.jwk,
        { ...ed.jwk, alg: 'EdDSA' },
        { ...ed.jwk, alg: 'Ed25519' },
      ],
    })
    expect(keys?.map(({ alg, kid }) => [alg, kid])).toEqual([
      ['RS256', 'r'],
      ['RS256', 'r'],
      ['ES256', 'e'],
      ['ES256', 'e'],
      ['EdDSA', undefined],
      ['EdDSA', undefined],
      ['EdDSA', undefined],
    ])
  })

  it('skips keys that must not verify tokens, and keeps the rest', async () => {
    const [rsa, ec, short, p384] = await Promise.all([
      createIssuer('RS256'),
      createIssuer('ES256', 'good'),
      createIssuer('short'),
      createIssuer('ES384'),
    ])
    const keys = await readKeySet({
      keys: [
        { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' },
        { ...rsa.jwk, alg: 'RS512' },
        { ...rsa.jwk, alg: 'PS256' },
        { ...rsa.jwk, alg: 'RSA-OAEP' },
        { ...rsa.jwk, alg: 'HS256' },
        { ...rsa.jwk, alg: null },
        { ...rsa.jwk, use: 'enc' },
        { ...rsa.jwk, key_ops: ['encrypt'] },
        { ...rsa.jwk, key_ops: 'verify' },
        { ...rsa.jwk, d: 'AQAB' },
        { ...rsa.jwk, n: undefined },
        { ...rsa.jwk, n: '!' },
        { ...rsa.jwk, kty: 'EC' },
        { ...ec.jwk, y: ec.jwk.x },
        { ...ec.jwk, crv: 'P-384' },
        short.jwk,
        p384.jwk,
        { kty: 'OKP', crv: 'X25519', x: ec.jwk.x },
        null,
        'key',
        [],
        {},
        ec.jwk,
      ],
    })
    expect(keys?.map(({ kid }) => kid)).toEqual(['good'])
  })

  it('distinguishes a set without keys from other values', async () => {
    expect(await readKeySet({ keys: [] })).toEqual([])
    for (const set of [undefined, null, [], 'keys', {}, { keys: {} }, { keys: null }]) {
      expect(await readKeySet(set)).toBeUndefined()
    }
  })
})
