import { describe, expect, it } from 'vitest'
import { openCallers } from '../../../lib/callers.ts'
import { json } from '../../../lib/harness.ts'

interface Page {
  readonly data: readonly { readonly id: string }[]
  readonly first_id: string | null
  readonly last_id: string | null
  readonly has_more: boolean
}

type Gateway = ReturnType<typeof openCallers>

async function make(
  gateway: Gateway,
  owner: 'ann' | 'bob' | 'admin',
  name: string,
): Promise<string> {
  const answer = await gateway.as(owner).ask('/openai/v1/containers', json({ name }))
  return ((await answer.json()) as { id: string }).id
}

async function page(gateway: Gateway, owner: 'ann' | 'bob' | 'admin', path: string): Promise<Page> {
  const answer = await gateway.as(owner).ask(`/openai/v1${path}`)
  expect(answer.status).toBe(200)
  return (await answer.json()) as Page
}

describe('a list that holds the things of all callers', () => {
  it('shows a caller only their own things, page by page, each once', async () => {
    const gateway = openCallers()
    const own: string[] = []
    for (let index = 0; index < 30; index += 1) {
      if (index % 4 === 0) own.push(await make(gateway, 'ann', `c${index}`))
      else await make(gateway, 'bob', `c${index}`)
    }
    const found: string[] = []
    let after = ''
    for (let pages = 1; ; pages += 1) {
      const { data, first_id, last_id, has_more } = await page(
        gateway,
        'ann',
        `/containers?limit=3&order=asc${after}`,
      )
      expect([first_id, last_id]).toEqual([data[0]?.id, data.at(-1)?.id])
      found.push(...data.map(({ id }) => id))
      if (!has_more) {
        expect(pages).toBe(3)
        break
      }
      after = `&after=${last_id}`
    }
    expect(found).toEqual(own)
  })

  it('is read until the page is full, with any number of foreign rows between', async () => {
    const gateway = openCallers()
    const first = await make(gateway, 'ann', 'first')
    for (let index = 0; index < 250; index += 1) {
      await gateway.upstream('/containers', json({ name: 'of somebody' }))
    }
    const last = await make(gateway, 'ann', 'last')
    const { data, has_more } = await page(gateway, 'ann', '/containers')
    expect([data.map(({ id }) => id), has_more]).toEqual([[last, first], false])
  })

  it('is empty for a caller without things, like any empty list', async () => {
    const gateway = openCallers()
    await make(gateway, 'ann', 'c')
    expect(await page(gateway, 'bob', '/containers')).toEqual({
      object: 'list',
      data: [],
      first_id: null,
      last_id: null,
      has_more: false,
    })
  })

  it('keeps the bytes of the rows and the other parameters', async () => {
    const gateway = openCallers()
    const id = await make(gateway, 'ann', 'mine')
    await make(gateway, 'ann', 'other')
    const answer = await gateway.as('ann').ask('/openai/v1/containers?name=mine')
    const theirs = await gateway.upstream('/containers?name=mine')
    const text = await answer.text()
    expect((JSON.parse(text) as Page).data.map((row) => row.id)).toEqual([id])
    expect(JSON.parse(text)).toEqual(await theirs.json())
    // The blanks are those of the upstream.
    expect(text).toContain('"status": "running"')
  })

  it('is paged by ids of the caller’s own rows', async () => {
    const gateway = openCallers()
    const foreign = await make(gateway, 'bob', 'c')
    await make(gateway, 'ann', 'c')
    for (const after of [foreign, 'cntr_nobodys']) {
      const answer = await gateway.as('ann').ask(`/openai/v1/containers?after=${after}`)
      expect([answer.status, await answer.json()]).toMatchObject([
        404,
        { error: { code: 'container_not_found' } },
      ])
    }
  })

  it('returns the upstream’s error for an invalid limit', async () => {
    const gateway = openCallers()
    for (const limit of ['0', '101', 'x']) {
      expect((await gateway.as('ann').ask(`/openai/v1/containers?limit=${limit}`)).status).toBe(400)
    }
  })

  it('ends even when the upstream always announces more', async () => {
    const gateway = openCallers()
    const row = { id: 'cntr_again', object: 'container' }
    const body = { object: 'list', data: [row], first_id: row.id, last_id: row.id, has_more: true }
    await gateway.fault({ body, times: 1000 })
    const { data } = await page(gateway, 'ann', '/containers')
    expect(data).toEqual([])
    expect((await gateway.requests()).length).toBeLessThanOrEqual(20)
  })

  it('shows uploads to the caller who uploaded them, and all of them to an admin', async () => {
    const gateway = openCallers()
    const ids: string[] = []
    for (const owner of ['ann', 'bob'] as const) {
      const form = new FormData()
      form.set('purpose', 'assistants')
      form.set('file', new File(['a'], `${owner}.txt`))
      const answer = await gateway.as(owner).ask('/openai/v1/files', { method: 'POST', body: form })
      ids.push(((await answer.json()) as { id: string }).id)
    }
    const shown = async (owner: 'ann' | 'bob' | 'admin') =>
      (await page(gateway, owner, '/files')).data.map(({ id }) => id)
    expect(await shown('ann')).toEqual(ids.slice(0, 1))
    expect(await shown('bob')).toEqual(ids.slice(1))
    expect((await shown('admin')).sort()).toEqual([...ids].sort())
  })

  it('of the files of a shared container holds only files that were cited to the caller', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer('Save the numbers as a CSV. [uncited]')
    const path = `/containers/${file.container_id}/files`
    expect((await page(gateway, 'ann', path)).data.length).toBeGreaterThan(1)
    await gateway.give('bob', 'container', file.container_id)
    expect((await page(gateway, 'bob', path)).data).toEqual([])
  })
})
