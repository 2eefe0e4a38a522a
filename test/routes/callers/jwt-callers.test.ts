import { beforeAll, describe, expect, it } from 'vitest'
import { jwtCallers } from '../../../src/routes/callers/jwt-callers.ts'
import {
  base64Url,
  compact,
  createEndpoint,
  createIssuer,
  hmac,
  type Issuer,
} from '../../lib/tokens.ts'

const jwksUrl = 'https://issuer.example/keys'
const now = 1_790_000_000
const claims = { sub: 'ann', exp: now + 300 }

describe('jwtCallers', () => {
  let rsa: Issuer
  let ec: Issuer
  let ed: Issuer
  let stranger: Issuer

  beforeAll(async () => {
    ;[rsa, ec, ed, stranger] = await Promise.all([
      createIssuer('RS256', 'r'),
      createIssuer('ES256', 'e'),
      createIssuer('EdDSA', 'o'),
      createIssuer('RS256', 'r'),
    ])
  })

  function open(more: object = {}, keys: readonly object[] = [rsa.jwk, ec.jwk, ed.jwk]) {
    const { endpoint, options } = createEndpoint(keys)
    return { endpoint, check: jwtCallers({ jwksUrl, ...options, ...more }) }
  }

  it('identifies the caller by a token of each algorithm, with a kid or without', async () => {
    const { check, endpoint } = open()
    for (const issuer of [rsa, ec, ed]) {
      expect(await check(await issuer.token(claims)), issuer.alg).toEqual({ owner: 'ann' })
      expect(await check(await issuer.token(claims, { kid: undefined }))).toEqual({ owner: 'ann' })
    }
    expect(endpoint.calls).toBe(1)
  })

  it('finds the right one of several keys for a token without a kid', async () => {
    const { check } = open({}, [stranger.jwk, ec.jwk, rsa.jwk])
    expect(await check(await rsa.token(claims, { kid: undefined }))).toEqual({ owner: 'ann' })
  })

  it('accepts access tokens by their type, and refuses tokens for another purpose', async () => {
    const { check } = open()
    for (const typ of ['JWT', 'jwt', 'at+jwt', 'application/at+jwt', undefined]) {
      expect(await check(await rsa.token(claims, { typ })), typ).toEqual({ owner: 'ann' })
    }
    for (const typ of ['logout+jwt', 'dpop+jwt', 'secevent+jwt', '', 1, null]) {
      expect(await check(await rsa.token(claims, { typ })), String(typ)).toBeUndefined()
    }
  })

  it('refuses a token whose algorithm is not that of its key', async () => {
    const { check } = open()
    const none = async () => new ArrayBuffer(0)
    const modulus = new TextEncoder().encode(String(rsa.jwk.n))
    const jwkText = new TextEncoder().encode(JSON.stringify(rsa.jwk))
    const attacks: Record<string, Promise<string>> = {
      none: compact({ alg: 'none' }, claims, none),
      'none with a kid': compact({ alg: 'none', kid: 'r' }, claims, none),
      None: compact({ alg: 'None', kid: 'r' }, claims, none),
      'an empty signature': compact({ alg: 'RS256', kid: 'r' }, claims, none),
      'HS256 with the public key': compact({ alg: 'HS256', kid: 'r' }, claims, hmac(modulus)),
      'HS256 with the key set': compact({ alg: 'HS256', kid: 'r' }, claims, hmac(jwkText)),
      'HS512 with the key set': compact(
        { alg: 'HS512', kid: 'r' },
        claims,
        hmac(jwkText, 'SHA-512'),
      ),
      'an HMAC that says RS256': compact({ alg: 'RS256', kid: 'r' }, claims, hmac(modulus)),
      'another algorithm’s kid': ec.token(claims, { kid: 'r' }),
      'RS256 that says ES256': rsa.token(claims, { alg: 'ES256' }),
      'RS256 that says PS256': rsa.token(claims, { alg: 'PS256' }),
      'ES256 that says EdDSA': ec.token(claims, { alg: 'EdDSA' }),
      'lower case': rsa.token(claims, { alg: 'rs256' }),
      'a list': rsa.token(claims, { alg: ['RS256'] }),
      'no algorithm': rsa.token(claims, { alg: undefined }),
      'RS512 by the same kind of key': (await createIssuer('RS512', 'r')).token(claims),
      'a stranger’s key under a known name': stranger.token(claims),
      'a stranger’s key in the header': stranger.token(claims, { jwk: stranger.jwk }),
      'a stranger’s key set': stranger.token(claims, { jku: 'https://evil.example/keys' }),
    }
    for (const [name, token] of Object.entries(attacks)) {
      expect(await check(await token), name).toBeUndefined()
    }
  })

  it('refuses a token that was changed', async () => {
    const { check } = open()
    const token = await ed.token(claims)
    const [header = '', payload = '', signature = ''] = token.split('.')
    const forged = base64Url(JSON.stringify({ ...claims, sub: 'bob' }))
    for (const other of [
      `${header}.${forged}.${signature}`,
      `${header}.${payload}.${signature.slice(2)}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${token}.`,
      `${token}.${payload}`,
      `.${payload}.${signature}`,
      `${header}..${signature}`,
      `${token} `,
      `${token}=`,
      token.toLowerCase(),
      'a.b.c',
      '..',
      '',
      `${base64Url('null')}.${payload}.${signature}`,
      `${base64Url('[]')}.${payload}.${signature}`,
    ]) {
      expect(await check(other), other).toBeUndefined()
    }
  })

  it('refuses headers that it does not support', async () => {
    const { check } = open()
    for (const header of [
      { crit: ['b64'], b64: false },
      { crit: ['exp'] },
      { crit: [] },
      { crit: null },
      { kid: 1 },
      { kid: null },
      { kid: 'unknown' },
      { kid: '' },
    ]) {
      const token = await rsa.token(claims, header)
      expect(await check(token), JSON.stringify(header)).toBeUndefined()
    }
    for (const payload of [null, [], 'ann', 1]) {
      expect(await check(await rsa.token(payload as object)), String(payload)).toBeUndefined()
    }
    const long = await rsa.token({ ...claims, more: 'x'.repeat(16 * 1024) })
    expect(await check(long)).toBeUndefined()
  })

  it('refuses a token outside of its lifetime', async () => {
    const { check, endpoint } = open()
    const expected = async (more: object, isAccepted: boolean) =>
      expect(await check(await rsa.token({ ...claims, ...more })), JSON.stringify(more)).toEqual(
        isAccepted ? { owner: 'ann' } : undefined,
      )
    await expected({ exp: undefined }, false)
    await expected({ exp: null }, false)
    await expected({ exp: String(now + 300) }, false)
    await expected({ exp: now }, false)
    await expected({ exp: now - 1 }, false)
    await expected({ exp: now + 1 }, true)
    await expected({ exp: now + 0.5 }, true)
    await expected({ nbf: now + 5 }, true)
    await expected({ nbf: now + 6 }, false)
    await expected({ nbf: 'soon' }, false)
    await expected({ iat: now + 1000 }, true)
    const token = await rsa.token(claims)
    endpoint.time += 300
    expect(await check(token)).toBeUndefined()
  })

  it('requires an owner in its claim, and makes no caller an admin', async () => {
    const { check } = open()
    for (const sub of [undefined, null, '', 7, ['ann'], { name: 'ann' }, true, '*']) {
      expect(await check(await rsa.token({ ...claims, sub })), JSON.stringify(sub)).toBeUndefined()
    }
    for (const sub of ['\ud800', 'ann\udfff', '\udc00\ud800', 'ann\ud83d']) {
      expect(await check(await rsa.token({ ...claims, sub })), JSON.stringify(sub)).toBeUndefined()
    }
    const byName = open({ ownerClaim: 'https://example.com/tenant' }).check
    const token = await rsa.token({ ...claims, 'https://example.com/tenant': 'acme' })
    expect(await byName(token)).toEqual({ owner: 'acme' })
    expect(await byName(await rsa.token(claims))).toBeUndefined()
    expect(await open({ ownerClaim: 'constructor' }).check(await rsa.token(claims))).toBeUndefined()
  })

  it('refuses a token of another issuer or audience than the settings name', async () => {
    const issuer = 'https://issuer.example/'
    const { check } = open({ issuer, audience: 'cfile' })
    for (const [more, isAccepted] of [
      [{ iss: issuer, aud: 'cfile' }, true],
      [{ iss: issuer, aud: ['other', 'cfile'] }, true],
      [{ iss: issuer }, false],
      [{ aud: 'cfile' }, false],
      [{ iss: issuer, aud: 'cfile2' }, false],
      [{ iss: issuer, aud: [] }, false],
      [{ iss: issuer, aud: { cfile: 1 } }, false],
      [{ iss: 'https://issuer.example', aud: 'cfile' }, false],
      [{ iss: [issuer], aud: 'cfile' }, false],
    ] as const) {
      const token = await rsa.token({ ...claims, ...more })
      expect(await check(token), JSON.stringify(more)).toEqual(
        isAccepted ? { owner: 'ann' } : undefined,
      )
    }
  })

  it('fetches no keys for what can’t be a token', async () => {
    const { check, endpoint } = open()
    for (const text of [
      'a-plain-key',
      'sk.a.b',
      'x'.repeat(50_000),
      await rsa.token(claims, { alg: 'HS256' }),
    ]) {
      expect(await check(text)).toBeUndefined()
    }
    expect(endpoint.calls).toBe(0)
  })
})
