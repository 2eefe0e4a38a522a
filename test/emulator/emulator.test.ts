import { describe, expect, it } from 'vitest'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { jsonInit, openEmulator, project, refusal, resource, startTime } from './ask.ts'

describe('every answer', () => {
  it("has Azure's request ids, which support asks for, also as an error", async () => {
    const { get } = openEmulator({ region: 'Sweden Central' })
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/
    for (const path of ['/models', '/containers/cntr_none']) {
      const { headers } = await get(path)
      expect(headers.get('apim-request-id')).toMatch(uuid)
      expect(headers.get('x-request-id')).toMatch(uuid)
      expect(headers.get('x-ms-region')).toBe('Sweden Central')
    }
  })

  it('has JSON in the wire format: indented, with a length, sampling numbers as floats', async () => {
    const { post } = openEmulator()
    const answer = await post('/responses', { model: 'm', input: 'hi', temperature: 1, top_p: 0.5 })
    const text = await answer.text()
    expect(answer.headers.get('content-length')).toBe(String(new TextEncoder().encode(text).length))
    expect(text).toContain('\n  "temperature": 1.0,\n')
    expect(text).toContain('\n  "top_p": 0.5,\n')
  })
})

describe('the key', () => {
  it('is accepted as api-key and as a bearer token; everything else is refused', async () => {
    const emulator = createEmulator({ apiKey: 'right' })
    const status = async (headers: Record<string, string>) =>
      (await emulator.request(`${resource}/models`, { headers })).status
    expect(await status({ 'api-key': 'right' })).toBe(200)
    expect(await status({ authorization: 'Bearer right' })).toBe(200)
    expect(await status({ 'api-key': 'wrong' })).toBe(401)
    expect(await status({ authorization: 'Bearer wrong' })).toBe(401)
    expect(await status({})).toBe(401)
  })

  it("is refused with Azure's message", async () => {
    const emulator = createEmulator({ apiKey: 'right' })
    const [status, body] = await refusal(await emulator.request(`${resource}/models`))
    expect(status).toBe(401)
    expect(body).toEqual({
      error: { code: '401', message: expect.stringContaining('invalid subscription key') },
    })
  })
})

describe('paths', () => {
  const resourceNotFound = { error: { code: '404', message: 'Resource not found' } }
  it.each([
    '/openai/containers?api-version=2025-04-01-preview',
    '/openai/containers/cntr_a/files/cfile_a/content?api-version=2025-03-01-preview',
    '/openai/responses?api-version=2025-04-01-preview',
    '/openai/files',
    '/openai/v1/nothing',
    '/openai/v1/containers/',
    '/api/projects/p1/openai/containers?api-version=2025-11-15-preview',
    '/v1/models',
    '/',
  ])('does not know %s', async (path) => {
    expect(await refusal(await openEmulator().request(path))).toEqual([404, resourceNotFound])
  })

  it('include the dated form for operations older than containers', async () => {
    const { request } = openEmulator()
    const version = 'api-version=2024-10-21'
    expect((await request(`/openai/files?${version}`)).status).toBe(200)
    const chat = await request(
      `/openai/deployments/gpt-4.1/chat/completions?${version}`,
      jsonInit({ messages: [{ role: 'user', content: 'hi' }] }),
    )
    expect(await chat.json()).toMatchObject({ object: 'chat.completion', model: 'gpt-4.1' })
  })

  it('refuse a dated api-version on the v1 path', async () => {
    const { get } = openEmulator()
    for (const version of ['v1', 'preview']) {
      expect((await get(`/models?api-version=${version}`)).status).toBe(200)
    }
    const [status] = await refusal(await get('/models?api-version=2025-04-01-preview'))
    expect(status).toBe(400)
  })

  it('separate resource and project: objects of one are unknown in the other', async () => {
    const { get, post } = openEmulator()
    const made = (await (await post('/containers', { name: 'a' })).json()) as { id: string }
    expect((await get(`/containers/${made.id}`)).status).toBe(200)
    const elsewhere = await get(`/containers/${made.id}`, project)
    expect(elsewhere.status).toBe(404)
    const own = (await (await post('/containers', { name: 'b' }, project)).json()) as { id: string }
    expect((await get(`/containers/${own.id}`)).status).toBe(404)
    expect((await get(`/containers/${own.id}`, project)).status).toBe(200)
    expect((await get(`/containers/${own.id}`, project.replace('p1', 'p2'))).status).toBe(404)
  })
})

describe('/emulator', () => {
  it('describes itself', async () => {
    const about = (await (await openEmulator().request('/emulator')).json()) as { message: string }
    expect(about.message).toContain('No model and no Python')
  })

  it('moves its clock, forward by seconds or to a time', async () => {
    const { request } = openEmulator()
    const move = async (body: object) =>
      (await request('/emulator/clock', jsonInit(body))).json() as Promise<{ now: number }>
    expect(await move({ advance: 90 })).toEqual({ now: startTime + 90 })
    expect(await move({ now: startTime + 5 })).toEqual({ now: startTime + 5 })
    expect(await (await request('/emulator/clock')).json()).toEqual({ now: startTime + 5 })
    expect((await request('/emulator/clock', jsonInit({ advance: 'soon' }))).status).toBe(400)
  })

  it('shows the requests to it, without secrets', async () => {
    const { request } = openEmulator()
    const headers = { 'api-key': 'a-very-secret-key-1234', range: 'bytes=0-1' }
    await request(`${resource}/containers?limit=3`, { headers })
    await request(`${resource}/responses`, {
      ...jsonInit({ model: 'm' }),
      headers: { authorization: 'Bearer short', 'content-type': 'application/json' },
    })
    const log = (await (await request('/emulator/requests')).json()) as { data: object[] }
    expect(log.data).toEqual([
      {
        method: 'GET',
        path: '/openai/v1/containers',
        query: '?limit=3',
        headers: { 'api-key': '***1234', range: 'bytes=0-1' },
        status: 200,
        bytes: 0,
      },
      {
        method: 'POST',
        path: '/openai/v1/responses',
        query: '',
        headers: {
          authorization: expect.stringMatching(/^\*\*\*/),
          'content-type': 'application/json',
        },
        body: '{"model":"m"}',
        status: 400,
        bytes: 0,
      },
    ])
    expect(JSON.stringify(log)).not.toContain('secret')
    await request('/emulator/requests', { method: 'DELETE' })
    expect(await (await request('/emulator/requests')).json()).toMatchObject({ data: [] })
  })
})

describe('ids', () => {
  it('differ between two emulators, so that neither answers for the other', async () => {
    const made = await Promise.all(
      [openEmulator(), openEmulator()].map(async ({ post }) =>
        (await post('/containers', { name: 'a' })).json(),
      ),
    )
    const [one, two] = made as { id: string }[]
    expect(one?.id).not.toBe(two?.id)
  })
})
