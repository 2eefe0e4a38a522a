import { describe, expect, it } from 'vitest'
import { errorCode, json, responseRequest } from '../../lib/harness.ts'
import { openRegions, type Regions } from '../../lib/regions.ts'

interface Thing {
  readonly id: string
}

const two = [{ name: 'east' }, { name: 'west' }]

async function made(regions: Regions, region: string, path: string, body: object): Promise<string> {
  const answer = await regions.upstream(region, path, json(body))
  return ((await answer.json()) as Thing).id
}

/** Requests that reached each region since the last call. */
async function counts(regions: Regions): Promise<number[]> {
  const seen = await Promise.all(Object.keys(regions.emulators).map(regions.requests))
  return seen.map(({ length }) => length)
}

describe('a thing that a request names', () => {
  it('is requested from its upstream: looked up once, then known', async () => {
    const regions = openRegions(two)
    const id = await made(regions, 'west', '/containers', { name: 'c' })
    await counts(regions)
    expect((await regions.ask(`/openai/v1/containers/${id}`)).status).toBe(200)
    expect(await counts(regions)).toEqual([1, 1])
    expect((await regions.ask(`/openai/v1/containers/${id}/files`)).status).toBe(200)
    const body = json(
      responseRequest('hi', { tools: [{ type: 'code_interpreter', container: id }] }),
    )
    const answer = await regions.ask('/openai/v1/responses', body)
    const response = (await answer.json()) as Thing
    const next = json(responseRequest('on', { previous_response_id: response.id, tools: [] }))
    expect((await regions.ask('/openai/v1/responses', next)).status).toBe(200)
    expect((await regions.ask(`/openai/v1/responses/${response.id}`)).status).toBe(200)
    expect((await regions.ask(`/openai/v1/containers/${id}`, { method: 'DELETE' })).status).toBe(
      200,
    )
    expect(await counts(regions)).toEqual([0, 5])
  })

  it('keeps a conversation and an uploaded file in the upstream of the requests that use them', async () => {
    const regions = openRegions([
      { name: 'east', models: ['a'] },
      { name: 'west', models: ['b'] },
    ])
    const conversation = await made(regions, 'west', '/conversations', {})
    await regions.ask(`/openai/v1/conversations/${conversation}`)
    await counts(regions)
    const body = json({ model: 'b', input: 'hi', conversation: { id: conversation } })
    expect((await regions.ask('/openai/v1/responses', body)).status).toBe(200)
    expect(await counts(regions)).toEqual([0, 1])
    const form = new FormData()
    form.set('purpose', 'assistants')
    form.set('file', new File(['a,b'], 'in.csv'))
    const upload = await regions.upstream('west', '/files', { method: 'POST', body: form })
    const { id } = (await upload.json()) as Thing
    await regions.ask(`/openai/v1/files/${id}`)
    await counts(regions)
    const container = { type: 'auto', file_ids: [id] }
    const tools = [{ type: 'code_interpreter', container }]
    const run = json(responseRequest('hi', { model: 'b', tools }))
    expect((await regions.ask('/openai/v1/responses', run)).status).toBe(200)
    expect(await counts(regions)).toEqual([0, 1])
  })

  it('is also found by the items of an answer, which clients reference by id', async () => {
    const regions = openRegions([{ name: 'east' }, { name: 'west', weight: 9 }])
    const answer = await regions.ask('/openai/v1/responses', json({ model: 'm', input: 'hi' }))
    const { output } = (await answer.json()) as { output: Thing[] }
    const [east] = await counts(regions)
    for (const type of ['item_reference', undefined]) {
      const input = [...output.map(({ id }) => ({ type, id })), { role: 'user', content: 'on' }]
      for (let index = 0; index < 5; index += 1) {
        await regions.ask('/openai/v1/responses', json({ model: 'm', input }))
      }
    }
    expect((await counts(regions))[0]).toBe(east === 1 ? 10 : 0)
  })

  it('gets a clear error when the request names things of two upstreams', async () => {
    const regions = openRegions(two)
    const ids = [
      await made(regions, 'east', '/containers', { name: 'c' }),
      await made(regions, 'west', '/containers', { name: 'c' }),
    ]
    for (const id of ids) await regions.ask(`/openai/v1/containers/${id}`)
    await counts(regions)
    const tools = ids.map((container) => ({ type: 'code_interpreter', container }))
    const answer = await regions.ask('/openai/v1/responses', json(responseRequest('hi', { tools })))
    expect([answer.status, await errorCode(answer.clone())]).toEqual([400, 'invalid_request'])
    for (const id of ids) expect(await answer.clone().text()).toContain(id)
    expect(await counts(regions)).toEqual([0, 0])
  })

  it('without a record is looked for by GET only, and no other upstream gets a write', async () => {
    const regions = openRegions(two)
    const id = await made(regions, 'west', '/containers', { name: 'c' })
    await counts(regions)
    const removal = await regions.ask(`/openai/v1/containers/${id}`, { method: 'DELETE' })
    expect([removal.status, await counts(regions)]).toEqual([404, [1, 0]])
    const nowhere = await regions.ask('/openai/v1/containers/cntr_nowhere')
    expect([nowhere.status, await counts(regions)]).toEqual([404, [1, 1]])
  })

  it('is never requested elsewhere when its upstream is down, and other requests succeed', async () => {
    const regions = openRegions(two)
    const id = await made(regions, 'west', '/containers', { name: 'c' })
    await regions.ask(`/openai/v1/containers/${id}`)
    regions.cut('west')
    await counts(regions)
    const tools = [{ type: 'code_interpreter', container: id }]
    for (let index = 0; index < 5; index += 1) {
      const run = await regions.ask('/openai/v1/responses', json(responseRequest('hi', { tools })))
      expect(run.status).toBe(502)
    }
    const lost = await regions.ask(`/openai/v1/containers/${id}`)
    expect([lost.status, await errorCode(lost)]).toEqual([502, 'upstream_error'])
    expect(await counts(regions)).toEqual([0, 0])
    for (let index = 0; index < 6; index += 1) {
      const answer = await regions.ask('/openai/v1/responses', json(responseRequest('hi')))
      expect(answer.status).toBe(200)
    }
    expect(await counts(regions)).toEqual([6, 0])
  })

  it('is not reported missing while an upstream that may have it fails', async () => {
    const regions = openRegions(two)
    regions.cut('west')
    const answer = await regions.ask('/openai/v1/containers/cntr_somewhere')
    expect([answer.status, await errorCode(answer)]).toEqual([502, 'upstream_error'])
  })
})

describe('a request that names nothing', () => {
  const ask = (regions: Regions, model = 'm') =>
    regions.ask('/openai/v1/responses', json({ model, input: 'hi' }))

  it('is balanced by weight', async () => {
    const regions = openRegions([{ name: 'east', weight: 3 }, { name: 'west' }])
    for (let index = 0; index < 40; index += 1) await (await ask(regions)).text()
    expect(await counts(regions)).toEqual([30, 10])
  })

  it('goes to the upstream with fewer requests in flight', async () => {
    const regions = openRegions(two)
    await regions.fault('east', { hang: true })
    const gone = new AbortController()
    const hanging = regions.ask('/openai/v1/responses', {
      ...json({ model: 'm', input: 'hi' }),
      signal: gone.signal,
    })
    for (let index = 0; index < 4; index += 1) await (await ask(regions)).text()
    expect(await counts(regions)).toEqual([1, 4])
    // No client leaves in the turn of the event loop in which its body ended.
    await new Promise((resolve) => setTimeout(resolve, 5))
    gone.abort()
    await hanging.catch(() => {})
  })

  it('goes to the upstreams that list the model, else to those without a list', async () => {
    const regions = openRegions([
      { name: 'any' },
      { name: 'east', models: ['a'] },
      { name: 'west', models: ['a', 'b'] },
    ])
    for (const model of ['a', 'a', 'b', 'c']) await (await ask(regions, model)).text()
    expect(await counts(regions)).toEqual([1, 1, 2])
  })

  it('is repeated only after a refused connection or a 429, because then nothing ran', async () => {
    const regions = openRegions(two)
    regions.cut('east')
    for (let index = 0; index < 4; index += 1) expect((await ask(regions)).status).toBe(200)
    regions.cut('east', false)
    await counts(regions)
    await regions.fault('east', { kind: 'throttled', times: 100 })
    for (let index = 0; index < 4; index += 1) expect((await ask(regions)).status).toBe(200)
    await counts(regions)
    for (const name of ['east', 'west'])
      await regions.fault(name, { kind: 'server_error', times: 3 })
    expect((await ask(openRegions(two))).status).toBe(200)
    const failing = openRegions(two)
    for (const name of ['east', 'west']) await failing.fault(name, { kind: 'server_error' })
    expect((await ask(failing)).status).toBe(500)
    const [east = 0, west = 0] = await counts(failing)
    expect(east + west).toBe(1)
  })

  it('gets the 429 with the shortest wait when all upstreams are throttled', async () => {
    const regions = openRegions(two)
    const slow = (wait: string) => ({
      status: 429,
      body: { error: {} },
      headers: { 'retry-after': wait },
    })
    await regions.fault('east', slow('30'))
    await regions.fault('west', slow('4'))
    const answer = await ask(regions)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '4'])
  })

  it('creates containers and files in the default upstream, so that they can be used together', async () => {
    const regions = openRegions(two)
    for (let index = 0; index < 3; index += 1) {
      await regions.ask('/openai/v1/containers', json({ name: 'c' }))
    }
    await regions.ask('/openai/v1/containers')
    expect(await counts(regions)).toEqual([4, 0])
    regions.cut('east')
    for (let index = 0; index < 5; index += 1) {
      const made = await regions.ask('/openai/v1/containers', json({ name: 'c' }))
      expect(made.status).toBe(200)
    }
    expect((await regions.ask('/openai/v1/containers')).status).toBe(502)
    expect(await counts(regions)).toEqual([0, 5])
  })
})

describe('an upstream that keeps failing', () => {
  it('gets no requests for a while, is reported in /readyz, and is used again after it has recovered', async () => {
    const regions = openRegions(two)
    const ask = () => regions.ask('/openai/v1/responses', json({ model: 'm', input: 'hi' }))
    const states = async () => {
      const { upstreams } = (await (await regions.ask('/readyz')).json()) as {
        upstreams: { name: string; status: string }[]
      }
      return upstreams.map(({ status }) => status)
    }
    await regions.fault('east', { kind: 'server_error', times: 5 })
    for (let index = 0; index < 10; index += 1) await (await ask()).text()
    await counts(regions)
    expect(await states()).toEqual(['resting', 'ok'])
    for (let index = 0; index < 10; index += 1) expect((await ask()).status).toBe(200)
    expect(await counts(regions)).toEqual([0, 10])
    regions.advance(60)
    for (let index = 0; index < 10; index += 1) expect((await ask()).status).toBe(200)
    const [east = 0] = await counts(regions)
    expect(east).toBeGreaterThan(2)
    expect(await states()).toEqual(['ok', 'ok'])
  })
})
