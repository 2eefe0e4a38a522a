import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRetryBudget, pauseBefore } from '../../src/azure/retry.ts'
import { untilAborted } from '../../src/core/time.ts'
import { apiKey, clientSecret, isCfileError } from '../../src/index.ts'
import { createAzureClient } from '../../src/library/azure-client.ts'
import { openHarness, sha256 } from '../lib/harness.ts'
import { rounds } from '../lib/rounds.ts'
import { type Clock, createClock } from './clock.ts'
import { type Answer, scriptRuntime, tokenAnswer } from './scripted-runtime.ts'

type AzureOptions = Parameters<typeof createAzureClient>[0]

const get = { method: 'GET', path: '/models' }
const down = (status: number, headers?: HeadersInit) => () =>
  Response.json({ error: { code: 'server_error', message: 'Oh.' } }, { status, headers })

function asking(answer: Answer, more: Partial<AzureOptions> = {}) {
  const clock = createClock()
  const runtime = scriptRuntime(clock, answer)
  const endpoint = 'https://res.openai.azure.com'
  const client = createAzureClient({ ...runtime, endpoint, credential: apiKey('key'), ...more })
  return { clock, client, sent: runtime.sent }
}

/** Answers in order; the last one repeats. */
function inTurn(...answers: (() => Response | Promise<Response>)[]): Answer {
  let next = 0
  return () => {
    const answer = answers[Math.min(next, answers.length - 1)]
    next += 1
    return answer?.() ?? Response.error()
  }
}

const slowly = (clock: () => Clock, ms: number, answer: () => Response) => async () => {
  await clock().wait(ms)
  return answer()
}

describe('a request that fails', () => {
  it.each([408, 429, 500, 502, 503, 504])(
    'with %i is sent again, and the client gets the good answer',
    async (status) => {
      const { client, clock, sent } = asking(inTurn(down(status), () => Response.json({ fine: 1 })))
      const answer = await clock.settle(client.request(get))
      expect(await answer.json()).toEqual({ fine: 1 })
      expect(sent.length).toBe(2)
    },
  )

  it('without an answer is sent again', async () => {
    const broken = () => Promise.reject(new TypeError('connection refused'))
    const { client, clock, sent } = asking(inTurn(broken, broken, () => Response.json({})))
    expect((await clock.settle(client.request(get))).status).toBe(200)
    expect(sent.length).toBe(3)
  })

  it.each([200, 204, 400, 401, 403, 404, 501])(
    'with %i is not sent again, because it would fail the same way',
    async (status) => {
      const { client, clock, sent } = asking(() => new Response(null, { status }))
      expect((await clock.settle(client.request(get))).status).toBe(status)
      expect(sent.length).toBe(1)
    },
  )

  it('repeatedly is sent at most six times within twenty seconds, and returns its own last answer', async () => {
    const { client, clock, sent } = asking(down(500))
    const answer = await clock.settle(client.request(get))
    expect(answer.status).toBe(500)
    expect(await answer.text()).toContain('server_error')
    expect(sent.length).toBe(6)
    expect(clock.elapsed()).toBe(15_500)
  })

  it('slowly and repeatedly ends within twenty seconds too', async () => {
    for (const [ms, outcome] of [
      [3000, 500],
      [7000, 'upstream_timeout'],
    ] as const) {
      const ask = asking(slowly(() => ask.clock, ms, down(500)))
      const last = await ask.clock.settle(ask.client.request(get).catch((error) => error))
      expect(isCfileError(last) ? last.code : last.status).toBe(outcome)
      expect(ask.clock.elapsed()).toBeLessThanOrEqual(20_000)
      expect(ask.sent.length).toBeLessThanOrEqual(6)
    }
  })

  it('with a timeout is not sent again, because its time is used up', async () => {
    const { client, clock, sent } = asking(() => new Promise(() => {}))
    const failed = await clock.settle(client.request(get).catch((error) => error))
    expect(failed).toMatchObject({ code: 'upstream_timeout', status: 504 })
    expect(clock.elapsed()).toBe(60_000)
    expect(sent.length).toBe(1)
  })

  it('ends with the caller’s reason when the caller cancels', async () => {
    const { client, sent } = asking(down(500))
    const leaving = new AbortController()
    const request = client.request({ ...get, signal: leaving.signal })
    setTimeout(() => leaving.abort(new Error('gone')), 20)
    await expect(request).rejects.toThrow('gone')
    expect(sent.length).toBe(1)
  })

  it('is sent once if it is neither GET nor HEAD, so that a model answers only once', async () => {
    for (const method of ['POST', 'DELETE', 'PUT', 'PATCH']) {
      const { client, clock, sent } = asking(down(503))
      expect((await clock.settle(client.request({ method, path: '/responses' }))).status).toBe(503)
      expect(sent.length, method).toBe(1)
    }
  })

  it('is sent once if the caller asks for that', async () => {
    const { client, clock, sent } = asking(down(503))
    await clock.settle(client.request({ ...get, repeat: false }))
    expect(sent.length).toBe(1)
  })
})

describe('the time limit', () => {
  it.each([900, 1400, 1600, 2500])(
    'covers all attempts and pauses together, with attempts of %i ms each',
    async (ms) => {
      const timeoutMs = 2000
      const ask = asking(
        slowly(() => ask.clock, ms, down(503)),
        { timeoutMs },
      )
      const failed = await ask.clock.settle(ask.client.request(get).catch((error) => error))
      expect(ask.clock.elapsed()).toBeLessThanOrEqual(timeoutMs)
      if (isCfileError(failed)) expect(failed.code).toBe('upstream_timeout')
      else expect(failed.status).toBe(503)
    },
  )

  it.each(['at first', 'after a 401'])('holds for a token that does not come %s', async (when) => {
    let tokens = 0
    const never = new Promise<never>(() => {})
    const answer: Answer = ({ url }) => {
      if (url.hostname === 'res.openai.azure.com') return new Response('{}', { status: 401 })
      tokens += 1
      return when === 'at first' || tokens > 1 ? never : tokenAnswer('one')
    }
    const credential = clientSecret({ tenantId: 't', clientId: 'c', clientSecret: 's' })
    const { client, clock } = asking(answer, { credential, timeoutMs: 2000 })
    await expect(clock.settle(client.request(get))).rejects.toMatchObject({
      code: 'upstream_timeout',
      status: 504,
    })
    expect(clock.elapsed()).toBe(2000)
  })
})

describe('an upload', () => {
  const timeoutMs = 60_000
  const upload = { method: 'POST', path: '/files' }

  /** A body of the given number of chunks, each after a pause. Without the last chunk it never ends. */
  const bodyOf = (clock: Clock, chunks: number, ms: number, isWhole = true) => {
    let sent = 0
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (sent === chunks && isWhole) return controller.close()
        await (sent === chunks ? new Promise(() => {}) : clock.wait(ms))
        sent += 1
        controller.enqueue(new Uint8Array(10))
      },
    })
  }

  it('may take any time as long as it makes progress', async () => {
    const ask = asking(() => Response.json({}), { timeoutMs, idleMs: 60_000 })
    const body = bodyOf(ask.clock, 20, 50_000)
    const answer = await ask.clock.settle(ask.client.request({ ...upload, body }))
    expect(answer.status).toBe(200)
    expect(ask.clock.elapsed()).toBe(20 * 50_000)
    expect(ask.sent[0]?.body).toHaveLength(200)
  })

  it('is cancelled when it stalls, and its sender gets an error', async () => {
    const ask = asking(() => Response.json({}), { timeoutMs: 600_000, idleMs: 60_000 })
    const body = bodyOf(ask.clock, 2, 1000, false)
    await expect(ask.clock.settle(ask.client.request({ ...upload, body }))).rejects.toMatchObject({
      code: 'invalid_request',
      status: 400,
    })
    expect(ask.clock.elapsed()).toBeLessThanOrEqual(2000 + 75_000)
  })

  it('is cancelled if the upstream stops reading', async () => {
    const clock = createClock()
    const fetch: AzureOptions['fetch'] = (_, init) =>
      untilAborted(new Promise(() => {}), init?.signal ?? undefined)
    const ask = asking(() => Response.json({}), {
      ...scriptRuntime(clock, () => Response.json({})),
      fetch,
      timeoutMs,
    })
    const body = bodyOf(clock, 2, 1000)
    await expect(clock.settle(ask.client.request({ ...upload, body }))).rejects.toMatchObject({
      code: 'upstream_timeout',
    })
    expect(clock.elapsed()).toBe(60_000)
  })
})

describe('an upstream that sends Retry-After', () => {
  it.each([
    [{ 'retry-after': '2' }, 2000],
    [{ 'retry-after-ms': '1250' }, 1250],
    [{ 'x-ms-retry-after-ms': '700', 'retry-after': '9' }, 700],
    [
      { date: 'Tue, 24 Nov 2026 10:00:00 GMT', 'retry-after': 'Tue, 24 Nov 2026 10:00:03 GMT' },
      3000,
    ],
  ])('is sent the request again after that time: %j', async (headers, ms) => {
    const { client, clock } = asking(inTurn(down(429, headers), () => Response.json({})))
    expect((await clock.settle(client.request(get))).status).toBe(200)
    expect(clock.elapsed()).toBe(ms)
  })

  it('gets no retry if the wait is too long for a client', async () => {
    const { client, clock, sent } = asking(down(429, { 'retry-after': '30' }))
    expect((await clock.settle(client.request(get))).status).toBe(429)
    expect(clock.elapsed()).toBe(0)
    expect(sent.length).toBe(1)
  })

  it('delays a download for at most five seconds in total, and passes on the remaining wait', async () => {
    const { client, clock, sent } = asking(down(429, { 'retry-after': '2' }))
    const content = client.getContainerFileContent('cntr_1', 'cfile_1')
    await expect(clock.settle(content)).rejects.toMatchObject({
      code: 'upstream_throttled',
      status: 429,
      details: { headers: { 'retry-after': '2' } },
    })
    expect(sent.length).toBe(3)
    expect(clock.elapsed()).toBe(4000)
  })
})

describe('a download', () => {
  const quickly = { retry: { baseMs: 1 } }
  const download = async (times: number) => {
    const gateway = openHarness(quickly)
    const [file] = await gateway.respond('Draw a chart')
    await gateway.fault({ kind: 'server_error', times })
    await gateway.requests()
    const answer = await gateway.ask(`/files/${file?.file_id}`)
    return { answer, gateway, file }
  }

  it('succeeds after a short outage of the upstream', async () => {
    const { answer, gateway, file } = await download(4)
    expect(answer.status).toBe(200)
    const path = `/containers/${file?.container_id}/files/${file?.file_id}/content`
    const original = await (await gateway.upstream(path)).arrayBuffer()
    expect(await sha256(await answer.arrayBuffer())).toBe(await sha256(original))
  })

  it('ends after six attempts at a failing upstream, with the id for Azure support', async () => {
    const { answer, gateway } = await download(1000)
    expect(answer.status).toBe(502)
    expect(await answer.json()).toMatchObject({
      error: {
        code: 'upstream_error',
        hint: expect.stringContaining('Azure support'),
        upstream: { status: 500, request_id: expect.stringMatching(/./) },
      },
    })
    expect((await gateway.requests()).length).toBe(6)
  })
})

describe('a failing upstream', () => {
  it('gets ten percent more requests, not six times as many', async () => {
    const { client, clock, sent } = asking(down(500))
    for (let i = 0; i < 20; i += 1) {
      await clock.settle(Promise.all(Array.from({ length: 50 }, () => client.request(get))))
    }
    const seconds = clock.elapsed() / 1000
    expect(sent.length).toBeGreaterThan(1000)
    expect(sent.length).toBeLessThanOrEqual(1000 + 100 + 10 + seconds)
  })

  it('leaves retries for clients with few requests', () => {
    let now = 0
    const budget = createRetryBudget(() => now)
    const spent = () => Array.from({ length: 100 }, () => budget.spend()).filter(Boolean).length
    expect(spent()).toBe(10)
    now += 5
    expect(spent()).toBe(5)
    now += 3600
    expect(spent()).toBe(10)
  })

  it('keeps saved retries of clients with few requests', () => {
    const budget = createRetryBudget(() => 0)
    for (let i = 0; i < 5000; i += 1) budget.earn()
    const spent = Array.from({ length: 500 }, () => budget.spend()).filter(Boolean)
    expect(spent.length).toBe(100)
  })
})

describe('the pause', () => {
  it('is random up to a bound that doubles, so that failed clients do not retry at the same time', () => {
    const attempt = fc.integer({ min: 1, max: 40 })
    const random = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(attempt, random, (n, chance) => {
        const pause = pauseBefore(n, () => chance)
        expect(pause).toBeGreaterThanOrEqual(0)
        expect(pause).toBeLessThanOrEqual(Math.min(8000, 250 * 2 ** n))
      }),
      { numRuns: rounds(200) },
    )
  })
})
