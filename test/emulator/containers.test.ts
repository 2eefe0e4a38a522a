import { describe, expect, it } from 'vitest'
import type { ContainerFileObject, ContainerObject } from '../../src/emulator/shapes.ts'
import { type Asking, citationsOf, first, openEmulator, refusal, startTime } from './ask.ts'

async function makeContainer({ post }: Asking, body: object = { name: 'a' }) {
  return (await (await post('/containers', body)).json()) as ContainerObject
}

async function makeFile(asking: Asking, { id }: ContainerObject, name = 'a.txt', text = 'hello') {
  const answer = await asking.upload(`/containers/${id}/files`, new File([text], name))
  return (await answer.json()) as ContainerFileObject
}

const notFound = (id: string) => ({
  error: {
    message: `Container with id '${id}' not found.`,
    type: 'invalid_request_error',
    param: null,
    code: null,
  },
})

describe('a container', () => {
  it('has an id that begins with its time, and every recorded field', async () => {
    const asking = openEmulator()
    const container = await makeContainer(asking, { name: 'mine', memory_limit: '4g' })
    expect(container).toEqual({
      id: expect.stringMatching(/^cntr_[0-9a-f]{48}$/),
      object: 'container',
      created_at: startTime,
      status: 'running',
      expires_after: { anchor: 'last_active_at', minutes: 20 },
      last_active_at: startTime,
      memory_limit: '4g',
      name: 'mine',
      network_policy: { type: 'disabled' },
    })
    expect(Number.parseInt(container.id.slice(5, 13), 16)).toBe(startTime)
    const found = await asking.get(`/containers/${container.id}`)
    expect(await found.json()).toEqual(container)
  })

  it('is refused with a missing name or an unknown field', async () => {
    const { post } = openEmulator()
    const codes = await Promise.all(
      [{}, { name: 'a', color: 'red' }].map(async (body) => {
        const [status, answer] = await refusal(await post('/containers', body))
        return [status, (answer as { error: { code: string } }).error.code]
      }),
    )
    expect(codes).toEqual([
      [400, 'missing_required_parameter'],
      [400, 'unknown_parameter'],
    ])
  })

  it('is confirmed as deleted, and is gone with its files', async () => {
    const asking = openEmulator()
    const { id } = await makeContainer(asking)
    const deleted = await asking.delete(`/containers/${id}`)
    expect(await deleted.json()).toEqual({ id, object: 'container.deleted', deleted: true })
    for (const path of ['', '/files', '/files/cfile_a/content']) {
      expect(await refusal(await asking.get(`/containers/${id}${path}`))).toEqual([
        404,
        notFound(id),
      ])
    }
  })

  it('lives for 20 idle minutes, and every use counts', async () => {
    const asking = openEmulator()
    const { id } = await makeContainer(asking)
    for (let use = 0; use < 2; use += 1) {
      asking.advance(19 * 60)
      expect((await asking.get(`/containers/${id}/files`)).status).toBe(200)
    }
    asking.advance(20 * 60)
    expect((await asking.get(`/containers/${id}/files`)).status).toBe(404)
  })

  it('ends an hour after its creation, even in use', async () => {
    const asking = openEmulator()
    const { id } = await makeContainer(asking)
    for (let minute = 0; minute < 60; minute += 10) {
      expect((await asking.get(`/containers/${id}/files`)).status).toBe(200)
      asking.advance(600)
    }
    expect((await asking.get(`/containers/${id}/files`)).status).toBe(404)
  })

  it('is still shown after its expiry, but without its files', async () => {
    const asking = openEmulator()
    const container = await makeContainer(asking)
    const file = await makeFile(asking, container)
    asking.advance(20 * 60)
    const path = `/containers/${container.id}`
    expect(await (await asking.get(path)).json()).toEqual({ ...container, status: 'expired' })
    for (const rest of ['/files', `/files/${file.id}`, `/files/${file.id}/content`]) {
      expect(await refusal(await asking.get(path + rest))).toEqual([404, notFound(container.id)])
    }
  })
})

describe('the list of containers', () => {
  it('shows expired ones too, all with activity just now', async () => {
    const asking = openEmulator()
    await makeContainer(asking)
    asking.advance(3600)
    await makeContainer(asking)
    const { data } = (await (await asking.get('/containers')).json()) as { data: ContainerObject[] }
    expect(data.map(({ status, last_active_at }) => [status, last_active_at])).toEqual([
      ['running', startTime + 3600],
      ['expired', startTime + 3600],
    ])
  })

  it('has null for its first and last id if it is empty', async () => {
    expect(await (await openEmulator().get('/containers')).json()).toEqual({
      object: 'list',
      data: [],
      first_id: null,
      has_more: false,
      last_id: null,
    })
  })

  it('finds automatic containers by their name', async () => {
    const asking = openEmulator()
    await asking.respond('hello')
    await makeContainer(asking, { name: 'mine' })
    const list = await asking.get('/containers?name=auto')
    const { data } = (await list.json()) as { data: ContainerObject[] }
    expect(data.map(({ name }) => name)).toEqual(['auto'])
  })

  it('comes in adjacent pages, in either order', async () => {
    const asking = openEmulator()
    const made: string[] = []
    for (let index = 0; index < 25; index += 1) made.push((await makeContainer(asking)).id)
    for (const order of ['asc', 'desc']) {
      const seen: string[] = []
      let page = { last_id: '', has_more: true, data: [] as ContainerObject[] }
      while (page.has_more) {
        const after = page.last_id === '' ? '' : `&after=${page.last_id}`
        page = await (await asking.get(`/containers?limit=10&order=${order}${after}`)).json()
        seen.push(...page.data.map(({ id }) => id))
      }
      expect(seen).toEqual(order === 'asc' ? made : made.toReversed())
    }
    const all = (await (await asking.get('/containers')).json()) as { data: object[] }
    expect(all.data).toHaveLength(20)
    const before = await asking.get(`/containers?order=asc&before=${made[3]}`)
    expect(await before.json()).toMatchObject({ first_id: made[0], last_id: made[2] })
  })

  it.each(['limit=0', 'limit=101', 'limit=x', 'after=cntr_none'])('refuses %s', async (query) => {
    expect((await openEmulator().get(`/containers?${query}`)).status).toBe(400)
  })
})

describe('a file of a container', () => {
  it('is uploaded under a path of its own, and read back unchanged', async () => {
    const asking = openEmulator()
    const container = await makeContainer(asking)
    const file = await makeFile(asking, container, 'für alle.csv', 'a,b\n')
    expect(file).toEqual({
      id: expect.stringMatching(/^cfile_[0-9a-f]{32}$/),
      object: 'container.file',
      created_at: startTime,
      bytes: 4,
      container_id: container.id,
      path: expect.stringMatching(/^\/mnt\/data\/[0-9a-f]{32}-für alle\.csv$/),
      source: 'user',
    })
    const path = `/containers/${container.id}/files/${file.id}`
    expect(await (await asking.get(path)).json()).toEqual(file)
    expect(await (await asking.get(`${path}/content`)).text()).toBe('a,b\n')
    expect(await asking.listFiles(container.id)).toEqual([file])
  })

  it('is mounted from the Files API under its id and name', async () => {
    const asking = openEmulator()
    const fields = { purpose: 'assistants' }
    const answer = await asking.upload('/files', new File(['x'], 'in.csv'), fields)
    const { id } = (await answer.json()) as { id: string }
    const container = await makeContainer(asking, { name: 'a', file_ids: [id] })
    expect(first(await asking.listFiles(container.id))).toMatchObject({
      path: `/mnt/data/${id}-in.csv`,
      source: 'user',
    })
    const mounted = await asking.post(`/containers/${container.id}/files`, { file_id: id })
    expect(await mounted.json()).toMatchObject({ path: `/mnt/data/${id}-in.csv`, bytes: 1 })
    const unknown = await asking.post('/containers', { name: 'a', file_ids: ['assistant-none'] })
    expect(unknown.status).toBe(404)
  })

  it('is deleted, and then not found, with that error code', async () => {
    const asking = openEmulator()
    const container = await makeContainer(asking)
    const { id } = await makeFile(asking, container)
    const path = `/containers/${container.id}/files/${id}`
    const deleted = await asking.delete(path)
    expect(await deleted.json()).toEqual({ id, object: 'container.file.deleted', deleted: true })
    const error = {
      message: `File ${id} not found on container ${container.id}.`,
      type: 'invalid_request_error',
      param: null,
      code: null,
    }
    expect(await refusal(await asking.get(path))).toEqual([404, { error }])
    expect(await refusal(await asking.get(`${path}/content`))).toEqual([404, { error }])
  })

  it('is refused without a file', async () => {
    const asking = openEmulator()
    const { id } = await makeContainer(asking)
    expect((await asking.post(`/containers/${id}/files`, {})).status).toBe(400)
    const form = { method: 'POST', headers: { 'content-type': 'multipart/form-data' }, body: 'x' }
    expect((await asking.request(`/openai/v1/containers/${id}/files`, form)).status).toBe(400)
  })
})

describe('content', () => {
  it('names a picture by a placeholder, with its true name beside it and without a type', async () => {
    const asking = openEmulator()
    const file = first(await asking.cited('Save a chart as "sales 2026 (final).png"'))
    const { headers } = await asking.content(file)
    expect(headers.get('content-disposition')).toBe(
      `attachment; filename="file.png"; filename*=UTF-8''sales%202026%20%28final%29.png`,
    )
    expect(headers.get('content-type')).toBeNull()
    expect(headers.get('content-length')).toMatch(/^\d+$/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    for (const name of ['etag', 'accept-ranges', 'last-modified', 'cache-control']) {
      expect(headers.get(name), name).toBeNull()
    }
  })

  it('has a type unless it is a picture', async () => {
    const asking = openEmulator()
    const types = await Promise.all(
      ['notes.txt', 't.csv', 't.xlsx', 't.bin', 'none'].map(async (name) => {
        const container = await makeContainer(asking)
        const { id } = await makeFile(asking, container, name)
        const answer = await asking.get(`/containers/${container.id}/files/${id}/content`)
        return answer.headers.get('content-type')
      }),
    )
    expect(types).toEqual([
      'text/plain; charset=utf-8',
      'text/csv; charset=utf-8',
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
      'application/octet-stream',
      'application/octet-stream',
    ])
  })

  it('supports neither ranges nor HEAD', async () => {
    const asking = openEmulator()
    const file = first(await asking.cited('a CSV'))
    const answer = await asking.content(file, { headers: { range: 'bytes=0-1' } })
    expect(answer.status).toBe(200)
    expect((await asking.content(file, { method: 'HEAD' })).status).toBe(405)
  })

  it('is missing for a row that consists of two paths', async () => {
    const asking = openEmulator()
    const response = await asking.respond('a CSV [glued]')
    const { container_id } = first(citationsOf(response))
    const rows = await asking.listFiles(container_id)
    const glued = rows.find(({ path }) => path === '/mnt/data/a.png  /mnt/data/b.png')
    expect(glued).toMatchObject({ bytes: null, source: 'assistant' })
    const answer = await asking.get(`/containers/${container_id}/files/${glued?.id}/content`)
    expect(answer.status).toBe(404)
  })

  it('exists for a name with two blanks', async () => {
    const asking = openEmulator()
    expect((await asking.content(first(await asking.cited('"a  b.csv"')))).status).toBe(200)
  })

  it('is read only as far as the client reads, for any length', async () => {
    const asking = openEmulator()
    const file = first(await asking.cited('a 500 MB file'))
    const answer = await asking.content(file)
    expect(answer.headers.get('content-length')).toBe('500000000')
    const reader = answer.body?.getReader()
    const { value } = (await reader?.read()) ?? {}
    await reader?.cancel()
    const log = await (await asking.request('/emulator/requests')).json()
    const { bytes } = (log as { data: { bytes: number }[] }).data.at(-1) ?? {}
    expect(bytes).toBe(value?.byteLength)
    expect(bytes).toBeLessThan(1e6)
  })
})
