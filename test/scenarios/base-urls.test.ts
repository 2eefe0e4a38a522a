import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { openCallers } from '../lib/callers.ts'
import { json, openHarness, responseRequest } from '../lib/harness.ts'
import { openRegions } from '../lib/regions.ts'

const publicUrl = 'https://files.example.com/ai'
const hostile = { host: 'evil.example', 'x-forwarded-host': 'evil.example' }

interface Seen {
  readonly path: string
  readonly query: string
  readonly body: string
}

const message = { model: 'gpt-4.1', input: 'hi' }

describe('a wrong base URL', () => {
  const wrong: [method: string, path: string][] = [
    ['POST', '/responses'],
    ['POST', '/chat/completions'],
    ['GET', '/models'],
    ['GET', '/files'],
    ['GET', '/files/file-1/content'],
    ['POST', '/containers'],
    ['GET', '/containers/cntr_1/files/cfile_1/content'],
    ['POST', '/deployments/d/chat/completions'],
    ['POST', '/api/projects/p'],
    ['POST', '/api/projects/p/responses'],
    ['POST', '/api/projects/p/openai/responses'],
    ['POST', '//openai/v1/responses'],
    ['POST', '//responses'],
    ['GET', '/openai'],
    ['GET', '/openai/'],
    ['POST', '/openai//responses?api-version=preview'],
    ['POST', '/openai/openai/responses?api-version=preview'],
    ['GET', '/openai/v1'],
    ['GET', '/openai/v1/'],
    ['POST', '/openai/v1/openai/v1/responses'],
    ['POST', '/openai/v1/v1/responses'],
    ['POST', '/openai/v1//responses'],
    ['POST', '/openai/v1/deployments/d/chat/completions'],
    ['POST', '/v1/openai/v1/responses'],
    ['POST', '/v1/api/projects/p/openai/v1/responses'],
    ['POST', '/api/projects/p/openai/v1/openai/v1/responses'],
  ]

  it.each(wrong)('is answered with the right one: %s %s', async (method, path) => {
    const gateway = openHarness({ publicUrl })
    const host = new Hono().mount('/ai', gateway.app.fetch)
    for (const [app, base] of [
      [gateway.app, ''],
      [gateway.app, '/ai'],
      [host, '/ai'],
    ] as const) {
      const init = method === 'POST' ? json(message) : {}
      const headers = { ...init.headers, ...hostile }
      const request = new Request(`http://evil.example${base}${path}`, { ...init, method, headers })
      const answer = await app.fetch(request)
      const { error } = (await answer.json()) as { error: Record<string, string> }
      expect([answer.status, error.code], base).toEqual([404, 'not_found'])
      expect(error.hint).toContain(`${publicUrl}/openai/v1`)
      expect(JSON.stringify(error)).not.toContain('evil')
      expect(answer.headers.get('x-request-id')).toBe(error.request_id)
    }
    expect(await gateway.requests()).toEqual([])
  })
})

describe('the path of a project', () => {
  it('serves the same as the path without it, at any mount point', async () => {
    const gateway = openHarness({ publicUrl })
    const host = new Hono().route('/deep', gateway.app)
    const bases = ['/api/projects/p/openai/v1', '/api/projects/a%20b%C3%BC/openai/v1']
    for (const base of bases) {
      const path = `${base}/containers?x=1`
      const answers = [
        await gateway.ask(path, json({ name: 'c' })),
        await gateway.ask(`/ai${path}`, json({ name: 'c' })),
        await host.request(`/deep${path}`, json({ name: 'c' })),
        await host.request(`/deep/ai${path}`, json({ name: 'c' })),
      ]
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    }
    const seen = (await gateway.requests()) as unknown as Seen[]
    expect(new Set(seen.map(({ path, query }) => path + query))).toEqual(
      new Set(['/openai/v1/containers?x=1']),
    )
  })

  it('requires a key too, and serves container files through the Files API', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer('Save the numbers as a CSV.')
    const path = `/api/projects/p/openai/v1/files/${file.file_id}`
    expect((await gateway.ask(path)).status).toBe(401)
    expect((await gateway.as('bob').ask(path)).status).toBe(404)
    expect((await gateway.as('ann').ask(path)).status).toBe(200)
    expect((await gateway.as('ann').ask(`${path}/content`)).status).toBe(200)
  })
})

describe('responses below a deployment', () => {
  async function send(path: string, init: RequestInit) {
    const gateway = openHarness({ publicUrl })
    const { status } = await gateway.ask(path, init)
    const [seen] = (await gateway.requests()) as unknown as Seen[]
    return { status, ...seen }
  }
  const post = (body: string): RequestInit => ({ ...json({}), body })
  const dated = '?api-version=2025-04-01-preview'

  it('are forwarded to the v1 path with the deployment as their model', async () => {
    const body = '{"input" : "hi",  "temperature":1.0}'
    for (const base of ['', '/ai']) {
      const path = `${base}/openai/deployments/gpt-4.1/responses`
      for (const query of ['', dated]) {
        expect(await send(path + query, post(body))).toMatchObject({
          status: 200,
          path: '/openai/v1/responses',
          query: '',
          body: '{"input" : "hi",  "temperature":1.0,"model":"gpt-4.1"}',
        })
      }
    }
    const { body: spelled } = await send(
      `/openai/deployments/my%20model%22/responses${dated}`,
      post(body),
    )
    expect(JSON.parse(spelled ?? '').model).toBe('my model"')
  })

  it('keep the model of the body', async () => {
    const body = '{"model":"gpt-4.1-mini","input":"hi"}'
    const seen = await send(`/openai/deployments/other/responses${dated}`, post(body))
    expect(seen).toMatchObject({ path: '/openai/v1/responses', body })
  })

  it('are read, cancelled and deleted there too, byte for byte', async () => {
    const base = '/openai/deployments/d/responses/resp_1'
    for (const [method, rest, body] of [
      ['GET', '', undefined],
      ['GET', '/input_items', undefined],
      ['POST', '/cancel', '{}'],
      ['DELETE', '', undefined],
    ] as const) {
      const init = body === undefined ? { method } : { ...post(body), method }
      const seen = await send(`${base}${rest}${dated}`, init)
      expect(seen.path).toBe(`/openai/v1/responses/resp_1${rest}`)
      expect(seen.body || undefined).toBe(body)
    }
  })

  it('belong to the caller who created them', async () => {
    const gateway = openCallers()
    const made = await gateway
      .as('ann')
      .ask(`/openai/deployments/gpt-4.1/responses${dated}`, json({ input: 'hi' }))
    const { id } = (await made.json()) as { id: string }
    const path = `/openai/deployments/gpt-4.1/responses/${id}`
    expect((await gateway.as('ann').ask(path)).status).toBe(200)
    expect((await gateway.as('bob').ask(path)).status).toBe(404)
  })

  it('go to the region that has the deployment', async () => {
    const gateway = openRegions([
      { name: 'east', models: ['a'] },
      { name: 'west', models: ['b'] },
    ])
    await gateway.ask('/openai/deployments/b/responses', json({ input: 'hi' }))
    expect(await gateway.requests('east')).toEqual([])
    expect(await gateway.requests('west')).toMatchObject([{ path: '/openai/v1/responses' }])
  })
})

describe('a base URL that ends with /openai', () => {
  it.each([
    '/openai/responses',
    '/openai/responses?api-version=',
    '/openai/responses?api-version=2025-04-01-preview',
  ])('is served without an api-version too, as the Vercel AI SDK asks: %s', async (path) => {
    const gateway = openHarness()
    const answer = await gateway.ask(path, json(responseRequest('hi')))
    expect(answer.status).toBe(200)
    expect((await gateway.requests()).map((seen) => seen.path)).toEqual(['/openai/v1/responses'])
  })
})
