import { describe, expect, it } from 'vitest'
import { bearer, type TokenCall, tokenFor } from '../../../src/azure/entra/tokens.ts'
import { createClock } from '../clock.ts'
import { scriptRuntime } from '../scripted-runtime.ts'

const scope = 'https://cognitiveservices.azure.com/.default'
const never = () => Response.error()

/** A credential whose tokens are `one`, `two`, … and live an hour; `open` lets those under way arrive. */
function numbered(seconds = 3600) {
  const clock = createClock()
  const runtime = scriptRuntime(clock, never)
  const calls: TokenCall[] = []
  let failing = false
  let same = false
  const credential = bearer('test', async (_scope, call) => {
    calls.push(call)
    const number = calls.length
    await clock.wait(100)
    if (failing) throw new Error('no token today')
    return tokenFor(same ? 'token-1' : `token-${number}`, seconds, clock.now())
  })
  return {
    clock,
    calls,
    fail: (value: boolean) => {
      failing = value
    },
    repeatItself: () => {
      same = true
    },
    ask: async (more: { signal?: AbortSignal; refused?: string } = {}, of = scope) =>
      (await credential.authorize(of, { ...runtime, ...more })).value,
  }
}

describe('a token', () => {
  it('is requested once for a hundred simultaneous callers, so that a cold start does not flood Entra ID', async () => {
    const { ask, calls, clock } = numbered()
    const values = await clock.settle(Promise.all(Array.from({ length: 100 }, () => ask())))
    expect(new Set(values)).toEqual(new Set(['Bearer token-1']))
    expect(calls.length).toBe(1)
    expect(await ask()).toBe('Bearer token-1')
    expect(calls.length).toBe(1)
  })

  it('is cached for each scope separately, because an endpoint refuses a token for another scope', async () => {
    const { ask, calls, clock } = numbered()
    expect(await clock.settle(ask())).toBe('Bearer token-1')
    expect(await clock.settle(ask({}, 'https://ai.azure.com/.default'))).toBe('Bearer token-2')
    expect(calls.length).toBe(2)
  })

  it('is replaced in the background before it expires, so that no download waits for it', async () => {
    const { ask, calls, clock } = numbered()
    await clock.settle(ask())
    await clock.advance(3600 - 301)
    expect(await ask()).toBe('Bearer token-1')
    expect(calls.length).toBe(1)
    await clock.advance(2)
    expect(await ask()).toBe('Bearer token-1')
    await clock.advance(1)
    expect(calls.length).toBe(2)
    expect(await ask()).toBe('Bearer token-2')
  })

  it('with a lifetime of a day is replaced after half of it', async () => {
    const { ask, calls, clock } = numbered(86_400)
    await clock.settle(ask())
    await clock.advance(43_201)
    await ask()
    await clock.advance(1)
    expect(calls.length).toBe(2)
  })

  it('is waited for if the old one has expired', async () => {
    const { ask, clock } = numbered()
    await clock.settle(ask())
    await clock.advance(3600)
    expect(await clock.settle(ask())).toBe('Bearer token-2')
  })

  it('is used until it expires if it cannot be replaced, and not every request tries to replace it', async () => {
    const { ask, fail, calls, clock } = numbered()
    await clock.settle(ask())
    fail(true)
    await clock.advance(3400)
    for (let i = 0; i < 20; i += 1) {
      expect(await ask()).toBe('Bearer token-1')
      await clock.advance(1)
    }
    expect(calls.length).toBe(2)
    await clock.advance(160)
    expect(await clock.settle(ask())).toBe('Bearer token-1')
    await clock.advance(30)
    await expect(clock.settle(ask())).rejects.toThrow('no token today')
    fail(false)
    expect(await clock.settle(ask())).toMatch('Bearer token-')
  })

  it('is replaced once if fifty simultaneous requests were refused', async () => {
    const { ask, calls, clock } = numbered()
    const refused = await clock.settle(ask())
    const early = Promise.all(Array.from({ length: 50 }, () => ask({ refused })))
    expect(new Set(await clock.settle(early))).toEqual(new Set(['Bearer token-2']))
    // Those that were slower to be refused find the new one.
    expect(await ask({ refused })).toBe('Bearer token-2')
    expect(calls.length).toBe(2)
  })

  it('is not replaced repeatedly if the token is not the reason of the refusal', async () => {
    const { ask, calls, clock } = numbered()
    const first = await clock.settle(ask())
    const second = await clock.settle(ask({ refused: first }))
    for (let i = 0; i < 10; i += 1) expect(await ask({ refused: second })).toBe(second)
    expect(calls.length).toBe(2)
    await clock.advance(31)
    expect(await clock.settle(ask({ refused: second }))).toBe('Bearer token-3')
  })

  it('is kept if the issuer returns the same token, and if it returns none', async () => {
    const { ask, calls, clock, repeatItself, fail } = numbered()
    const refused = await clock.settle(ask())
    repeatItself()
    expect(await clock.settle(ask({ refused }))).toBe(refused)
    fail(true)
    await clock.advance(31)
    expect(await clock.settle(ask({ refused }))).toBe(refused)
    expect(calls.length).toBe(3)
  })

  it('is obtained for the other callers if the first caller cancels', async () => {
    const { ask, calls, clock } = numbered()
    const leaving = new AbortController()
    const first = ask({ signal: leaving.signal })
    const second = ask()
    leaving.abort(new Error('gone'))
    await expect(first).rejects.toThrow('gone')
    expect(await clock.settle(second)).toBe('Bearer token-1')
    expect(calls[0]?.signal.aborted).toBe(false)
    expect(calls.length).toBe(1)
  })

  it('that does not come in time fails for all callers who wait, and is requested again', async () => {
    const clock = createClock()
    let hangs = true
    const credential = bearer('test', async (_scope, { signal, wait, now }) => {
      if (hangs) await wait(1e9, signal)
      return tokenFor('late', 3600, now())
    })
    const runtime = scriptRuntime(clock, never)
    await expect(clock.settle(credential.authorize(scope, runtime))).rejects.toMatchObject({
      code: 'upstream_timeout',
    })
    hangs = false
    expect(await clock.settle(credential.authorize(scope, runtime))).toMatchObject({
      value: 'Bearer late',
    })
  })
})
