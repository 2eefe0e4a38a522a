import { describe, expect, it } from 'vitest'
import { apiKey } from '../../src/azure/credentials.ts'
import { codeInterpreter, errorCode, json, openHarness, responseRequest } from '../lib/harness.ts'

interface Thing {
  readonly id: string
}

async function post(gateway: ReturnType<typeof openHarness>, path: string, body: unknown) {
  return (await (await gateway.ask(path, json(body))).json()) as Thing
}

function upload(text: string, name: string, more: Record<string, string> = {}): RequestInit {
  const form = new FormData()
  for (const [field, value] of Object.entries(more)) form.set(field, value)
  form.set('file', new File([text], name))
  return { method: 'POST', body: form }
}

describe('the paths', () => {
  it.each(['/openai/v1', '/v1'])('serves the API below %s', async (base) => {
    const gateway = openHarness()
    const { id } = await post(gateway, `${base}/containers`, { name: 'mine' })
    const found = await gateway.ask(`${base}/containers/${id}`)
    expect([found.status, (await found.json()) as Thing]).toMatchObject([200, { id }])
    expect((await gateway.requests()).map(({ path }) => path)).toEqual([
      '/openai/v1/containers',
      `/openai/v1/containers/${id}`,
    ])
  })

  it('sends requests of AzureOpenAI to the v1 path, without the date', async () => {
    const gateway = openHarness()
    const dated = '?api-version=2025-04-01-preview'
    const { id } = await post(gateway, `/openai/containers${dated}`, { name: 'mine' })
    expect((await gateway.ask(`/openai/containers/${id}/files${dated}&limit=5`)).status).toBe(200)
    const answer = await gateway.ask(`/openai/responses${dated}`, json(responseRequest('hello')))
    expect(answer.status).toBe(200)
    expect((await gateway.ask('/openai/models?api-version=preview')).status).toBe(200)
    const seen = (await gateway.requests()) as unknown as { path: string; query: string }[]
    expect(seen.map(({ path, query }) => path + query)).toEqual([
      '/openai/v1/containers',
      `/openai/v1/containers/${id}/files?limit=5`,
      '/openai/v1/responses',
      '/openai/v1/models?api-version=preview',
    ])
  })

  it('keeps the path and the date of deployments', async () => {
    const gateway = openHarness()
    const path = '/openai/deployments/gpt-4.1/chat/completions?api-version=2024-10-21'
    const messages = [{ role: 'user', content: 'hi' }]
    expect((await gateway.ask(path, json({ messages }))).status).toBe(200)
    const [seen] = (await gateway.requests()) as unknown as { path: string; query: string }[]
    expect(`${seen?.path}${seen?.query}`).toBe(path)
  })

  it('forwards a path unchanged, unless it climbs', async () => {
    const gateway = openHarness()
    await gateway.ask('/openai/v1/models/a%20b%2Bc')
    expect((await gateway.requests()).map(({ path }) => path)).toEqual([
      '/openai/v1/models/a%20b%2Bc',
    ])
    for (const path of ['x%2f..%2fkeys', '%252e%252e/keys', 'a%5cb', 'models//x']) {
      const answer = await gateway.ask(`/openai/v1/${path}`)
      expect([answer.status, await errorCode(answer)], path).toEqual([400, 'invalid_request'])
    }
    const odd = await gateway.ask('/openai/v1/containers/cntr_%2561')
    expect([odd.status, await errorCode(odd)]).toEqual([400, 'invalid_id'])
    expect(await gateway.requests()).toEqual([])
  })

  it('refuses a WebSocket with a clear error', async () => {
    const gateway = openHarness()
    const headers = { upgrade: 'websocket' }
    const answer = await gateway.ask('/openai/v1/realtime?model=gpt-realtime', { headers })
    expect([answer.status, await errorCode(answer)]).toEqual([400, 'invalid_request'])
    expect(await gateway.requests()).toEqual([])
  })
})

describe('a forwarded request', () => {
  it('keeps unknown fields, parameters and API headers, and loses the caller’s own headers', async () => {
    const gateway = openHarness()
    const body = '{"model":"gpt-4.1", "input":"hi","new_field":1.50,"metadata":{"a":"b"}}'
    await gateway.ask('/openai/v1/responses?include=x&new=1', {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'openai-beta': 'containers=v1',
        'x-ms-client-request-id': 'one',
        'idempotency-key': 'two',
        authorization: 'Bearer of-the-caller',
        'api-key': 'of-the-caller',
        cookie: 'a=b',
        'x-forwarded-for': '10.0.0.1',
      },
    })
    const [seen] = (await gateway.requests()) as unknown as {
      query: string
      body: string
      headers: Record<string, string>
    }[]
    expect([seen?.query, seen?.body]).toEqual(['?include=x&new=1', body])
    expect(seen?.headers).toMatchObject({
      'openai-beta': 'containers=v1',
      'x-ms-client-request-id': 'one',
      'idempotency-key': 'two',
    })
    expect(seen?.headers['api-key']).toMatch(/-key$/)
    for (const name of ['authorization', 'cookie', 'x-forwarded-for']) {
      expect(seen?.headers[name], name).toBeUndefined()
    }
  })

  it('returns status, body and headers of an upstream error unchanged', async () => {
    const gateway = openHarness()
    await gateway.fault({
      status: 429,
      body: { error: { code: '429', message: 'Slow down.' } },
      headers: { 'retry-after': '7', 'x-ratelimit-remaining-tokens': '0', 'set-cookie': 'a=b' },
      times: 9,
    })
    const answer = await gateway.ask('/openai/v1/responses', json(responseRequest('hi')))
    expect(answer.status).toBe(429)
    expect(await answer.text()).toBe('{"error":{"code":"429","message":"Slow down."}}')
    expect(answer.headers.get('retry-after')).toBe('7')
    expect(answer.headers.get('x-ratelimit-remaining-tokens')).toBe('0')
    for (const name of ['apim-request-id', 'x-request-id', 'x-cfile-request-id']) {
      expect(answer.headers.get(name), name).toBeTruthy()
    }
    expect(answer.headers.get('x-request-id')).not.toBe(answer.headers.get('x-cfile-request-id'))
    expect(answer.headers.has('set-cookie')).toBe(false)
  })

  it('is answered with 502 when the upstream cannot be reached', async () => {
    const down = async () => {
      throw new TypeError('fetch failed')
    }
    const gateway = openHarness({
      upstreams: [{ ...upstreamAt('http://gone.localhost'), fetch: down }],
    })
    const answer = await gateway.ask('/openai/v1/responses', json(responseRequest('hi')))
    expect([answer.status, await errorCode(answer)]).toEqual([502, 'upstream_error'])
  })

  it('is refused when its body has to be read and exceeds the limit', async () => {
    const gateway = openHarness({ maxBodyBytes: 1000 })
    const body = json(responseRequest('x'.repeat(2000)))
    const answer = await gateway.ask('/openai/v1/responses', body)
    expect([answer.status, await errorCode(answer)]).toEqual([413, 'payload_too_large'])
  })
})

describe('the record of a passing answer', () => {
  it('serves an upload by its id alone, to the Files API or into a container', async () => {
    const gateway = openHarness()
    const file = await (
      await gateway.ask('/openai/v1/files', upload('a,b\n', 'in.csv', { purpose: 'assistants' }))
    ).json()
    const { id } = await post(gateway, '/openai/v1/containers', { name: 'c' })
    const inner = await (
      await gateway.ask(`/openai/v1/containers/${id}/files`, upload('1,2\n', 'two.csv'))
    ).json()
    await gateway.requests()
    for (const [thing, text] of [
      [file, 'a,b\n'],
      [inner, '1,2\n'],
    ] as [Thing, string][]) {
      expect(await (await gateway.ask(`/files/${thing.id}`)).text()).toBe(text)
    }
  })

  it('includes the files of a listed container', async () => {
    const gateway = openHarness()
    const answer = await gateway.upstream('/responses', json(responseRequest('Save a CSV.')))
    const { output } = (await answer.json()) as { output: { container_id?: string }[] }
    const id = output.find(({ container_id }) => container_id)?.container_id
    const list = await gateway.ask(`/openai/v1/containers/${id}/files`)
    const { data } = (await list.json()) as { data: Thing[] }
    expect(data.length).toBeGreaterThan(0)
    for (const file of data) expect((await gateway.ask(`/files/${file.id}`)).status).toBe(200)
  })

  it('excludes a file that only looks like an answer', async () => {
    const gateway = openHarness()
    const forged = JSON.stringify({
      object: 'response',
      id: 'resp_x',
      output: [{ type: 'code_interpreter_call', container_id: 'cntr_forged' }],
    })
    const file = await (
      await gateway.ask('/openai/v1/files', upload(forged, 'a.json', { purpose: 'assistants' }))
    ).json()
    const content = await gateway.ask(`/openai/v1/files/${(file as Thing).id}/content`)
    expect(content.headers.get('content-type')).toMatch(/json/)
    expect(await content.text()).toBe(forged)
    const page = await gateway.ask('/containers/cntr_forged/files/cfile_a')
    expect(page.status).toBe(404)
  })
})

describe('a replayed answer', () => {
  it('is accepted by the upstream although the gateway has added links', async () => {
    const gateway = openHarness({ links: 'annotate' })
    const first = await gateway.ask('/openai/v1/responses', json(responseRequest('Save a CSV.')))
    const { output } = (await first.json()) as { output: { content?: object[] }[] }
    // Added by hand, so that the test does not depend on what the gateway adds.
    const text = JSON.stringify(output).replaceAll(
      '"type":"container_file_citation"',
      '"type":"container_file_citation","download_url":"http://x/y","download_expires_at":1',
    )
    const input = [...JSON.parse(text), { role: 'user', content: 'And again.' }]
    const second = await gateway.ask(
      '/openai/v1/responses',
      json({ model: 'gpt-4.1', input, tools: codeInterpreter }),
    )
    expect(second.status).toBe(200)
  })
})

function upstreamAt(endpoint: string) {
  return { endpoint, credential: apiKey('k') }
}
