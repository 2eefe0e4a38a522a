import { beforeAll, describe, expect, it } from 'vitest'
import { createRemoteKeys } from '../../../src/routes/callers/remote-keys.ts'
import { createEndpoint, createIssuer } from '../../lib/tokens.ts'

const url = 'https://issuer.example/keys'

describe('createRemoteKeys', () => {
  let first: object
  let second: object

  beforeAll(async () => {
    first = (await createIssuer('ES256', 'first')).jwk
    second = (await createIssuer('ES256', 'second')).jwk
  })

  function open(published: readonly object[] = [first]) {
    const { endpoint, options } = createEndpoint(published)
    const keys = createRemoteKeys({ url, ...options })
    const names = async (kid?: string) => (await keys.find(kid)).map((key) => key.kid)
    return { endpoint, keys, names }
  }

  it('fetches once for any number of callers, and not before the first', async () => {
    const { endpoint, names } = open()
    expect(endpoint.calls).toBe(0)
    const found = await Promise.all(Array.from({ length: 50 }, () => names('first')))
    expect(found.every(([name]) => name === 'first')).toBe(true)
    expect(await names('first')).toEqual(['first'])
    expect(endpoint.calls).toBe(1)
    expect(endpoint.last?.redirect).toBe('manual')
  })

  it('accepts a rotated key at once, and fetches keys at most once in 30 s', async () => {
    const { endpoint, names } = open()
    await names('first')
    endpoint.keys = [first, second]
    expect(await names('second')).toEqual(['second'])
    expect(endpoint.calls).toBe(2)
    for (let at = 0; at < 29; at += 1) {
      endpoint.time += 1
      expect(await names(`made-up-${at}`)).toEqual([])
    }
    expect(endpoint.calls).toBe(2)
    endpoint.time += 1
    await Promise.all([names('made-up'), names('made-up-too')])
    expect(endpoint.calls).toBe(3)
  })

  it('does not fetch again for a kid that the last fetch did not have', async () => {
    const { endpoint, names } = open()
    expect(await names('made-up')).toEqual([])
    expect(await names('made-up')).toEqual([])
    expect(endpoint.calls).toBe(1)
  })

  it('drops a key that its issuer withdrew', async () => {
    const { endpoint, names } = open([first, second])
    expect(await names()).toEqual(['first', 'second'])
    endpoint.keys = [second]
    endpoint.time += 599
    expect(await names('first')).toEqual(['first'])
    endpoint.time += 1
    expect(await names('first')).toEqual([])
    expect(await names()).toEqual(['second'])
    expect(endpoint.calls).toBe(2)
  })

  it('accepts callers while the issuer is down, for each kind of failure', async () => {
    const { endpoint, names } = open()
    await names('first')
    for (const instead of [
      async () => Promise.reject(new TypeError('refused')),
      async () => new Response('oops', { status: 503 }),
      async () =>
        new Response(null, { status: 302, headers: { location: 'https://evil.example/' } }),
      async () => new Response('<html>'),
      async () => Response.json({ keys: 'none' }),
      async () => Response.json({ keys: [second], padding: 'x'.repeat(256 * 1024) }),
    ]) {
      endpoint.instead = instead
      endpoint.time += 700
      const before = endpoint.calls
      expect(await names('first')).toEqual(['first'])
      expect(await names('first')).toEqual(['first'])
      expect(endpoint.calls).toBe(before + 1)
    }
    endpoint.instead = undefined
    endpoint.keys = [second]
    endpoint.time += 30
    expect(await names('first')).toEqual([])
    expect(await names('second')).toEqual(['second'])
  })

  it('is not ready before the first keys, and tries again soon', async () => {
    const { endpoint, names } = open()
    endpoint.instead = async () => new Response('', { status: 500 })
    const refused = { code: 'not_ready', status: 503, details: { headers: { 'retry-after': '1' } } }
    await expect(names('first')).rejects.toMatchObject(refused)
    await expect(names('first')).rejects.toMatchObject(refused)
    expect(endpoint.calls).toBe(1)
    endpoint.instead = undefined
    endpoint.time += 1
    expect(await names('first')).toEqual(['first'])
  })

  it('waits no longer than the time limit of a fetch, even for one that another request began and abandoned', async () => {
    const { endpoint, options } = createEndpoint([first])
    const timers: (() => void)[] = []
    const keys = createRemoteKeys({
      url,
      ...options,
      wait: () => new Promise((resolve) => timers.push(resolve)),
    })
    endpoint.instead = () => new Promise(() => {})
    const waiting = [keys.find('first'), keys.find('first')]
    for (const end of timers) end()
    for (const each of waiting) await expect(each).rejects.toMatchObject({ code: 'not_ready' })
    expect(endpoint.calls).toBe(1)
    endpoint.instead = undefined
    endpoint.time += 6
    expect(await keys.find('first')).toHaveLength(1)
  })

  it('is ready after the first keys, and fetches none while it has some', async () => {
    const { endpoint, keys } = open()
    const refused = { code: 'not_ready', status: 503 }
    for (const instead of [
      async () => Promise.reject(new TypeError('refused')),
      async () => new Response('', { status: 404 }),
      async () => new Response('<html>'),
      async () => Response.json({ jwks_uri: url }),
      async () => Response.json({ keys: [] }),
    ]) {
      endpoint.instead = instead
      endpoint.time += 1
      await expect(keys.ready()).rejects.toMatchObject(refused)
    }
    endpoint.instead = undefined
    endpoint.time += 1
    expect(await keys.ready()).toHaveLength(1)
    endpoint.instead = async () => new Response('', { status: 404 })
    endpoint.time += 100_000
    const { calls } = endpoint
    expect(await keys.ready()).toHaveLength(1)
    expect(endpoint.calls).toBe(calls)
  })

  it('fetches only by https or on loopback, so that no one on the network can answer instead', () => {
    const { options } = createEndpoint([])
    for (const safe of ['https://a.example/k?v=1', 'http://127.0.0.1:9/k', 'http://localhost/k']) {
      expect(() => createRemoteKeys({ url: safe, ...options }), safe).not.toThrow()
    }
    for (const other of [
      'http://a.example/k',
      'https://u:p@a.example/k',
      'file:///etc/keys',
      'a',
      '',
    ]) {
      const make = () => createRemoteKeys({ url: other, ...options })
      expect(make, other).toThrow(/CFILE_JWKS_URL/)
    }
  })
})
