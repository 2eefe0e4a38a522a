/**
 * `?upstream=1`: erasing files at Azure too.
 */

import { describe, expect, it } from 'vitest'
import { memoryArchive } from '../../../src/archives/memory.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { testSha256 } from '../../archives/contract.ts'
import { openCallers, refusal } from '../../lib/callers.ts'
import { type CitedFile, json, responseRequest } from '../../lib/harness.ts'

const erase = { method: 'DELETE' }
const prompt = 'Save the numbers as a CSV.'
const now = () => 1_790_000_000

interface Line {
  readonly message: string
  readonly fields?: Readonly<Record<string, unknown>>
}

/** A gateway whose callers ann and bob have each had one answer, in a container of their own. */
async function open() {
  const lines: Line[] = []
  const work = new Set<Promise<unknown>>()
  const archive = memoryArchive({ createSha256: testSha256, now })
  const store = memoryStore({ now })
  const gateway = openCallers({
    archive,
    store,
    waitUntil: (promise) => void work.add(promise),
    log: (_level, message, fields) => void lines.push({ message, fields }),
  })
  const [ann, bob] = [
    await gateway.as('ann').answer(prompt),
    await gateway.as('bob').answer(prompt),
  ]
  await Promise.allSettled(work)
  const isAtAzure = async ({ container_id, file_id }: CitedFile): Promise<boolean> =>
    (await gateway.upstream(`/containers/${container_id}/files/${file_id}`)).ok
  const copies = async (): Promise<number> => {
    let count = 0
    for await (const _ of archive.list()) count += 1
    return count
  }
  const addTo = async (container: string, content: string): Promise<string> => {
    const body = new FormData()
    body.set('file', new File([content], `${content}.txt`))
    const added = await gateway.upstream(`/containers/${container}/files`, { method: 'POST', body })
    return ((await added.json()) as { id: string }).id
  }
  return { ...gateway, store, lines, ann, bob, isAtAzure, copies, addTo }
}

describe('DELETE /files/{file_id}?upstream=1', () => {
  it('erases a file here and at Azure, and logs that', async () => {
    const { as, ann, bob, isAtAzure, copies, lines } = await open()
    expect([await isAtAzure(ann.file), await copies()]).toEqual([true, 2])
    const { file_id, container_id } = ann.file
    const answer = await as('ann').ask(`/files/${file_id}?upstream=1`, erase)
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { id: file_id, object: 'file.deleted', deleted: true },
    ])
    expect([await isAtAzure(ann.file), await isAtAzure(bob.file)]).toEqual([false, true])
    expect(await copies()).toBe(1)
    expect((await as('ann').ask(`/files/${file_id}`)).status).toBe(404)
    expect(lines).toContainEqual({
      message: 'A container file was erased upstream.',
      fields: expect.objectContaining({ file_id, container_id }),
    })
  })

  it('without the parameter leaves the file at Azure', async () => {
    const { as, ann, isAtAzure } = await open()
    expect((await as('ann').ask(`/files/${ann.file.file_id}`, erase)).status).toBe(200)
    expect(await isAtAzure(ann.file)).toBe(true)
  })

  it('counts a file of an expired container as erased', async () => {
    const { as, ann, advance, copies } = await open()
    advance(4000)
    const answer = await as('ann').ask(`/files/${ann.file.file_id}?upstream=1`, erase)
    expect([answer.status, await copies()]).toEqual([200, 1])
  })

  it('names a file that Azure keeps, and can be repeated', async () => {
    const { as, ann, fault, isAtAzure, copies } = await open()
    const { file_id } = ann.file
    await fault({ match: { method: 'DELETE' }, status: 500 })
    const failed = await as('ann').ask(`/files/${file_id}?upstream=1`, erase)
    expect([failed.status, await failed.json()]).toMatchObject([
      502,
      { id: file_id, deleted: false, failed: [file_id], error: { code: 'upstream_error' } },
    ])
    expect([await isAtAzure(ann.file), await copies()]).toEqual([true, 1])
    expect((await as('ann').ask(`/files/${file_id}?upstream=1`, erase)).status).toBe(200)
    expect(await isAtAzure(ann.file)).toBe(false)
  })

  it('is 404 for a stranger, erases nothing and asks no upstream', async () => {
    const { as, ann, isAtAzure, copies, requests } = await open()
    await requests()
    const path = (id: string) => `/files/${id}?upstream=1`
    const refused = await refusal(await as('bob').ask(path(ann.file.file_id), erase))
    expect(refused).toMatchObject({ status: 404, error: { code: 'file_not_found' } })
    expect(await refusal(await as('bob').ask(path('cfile_nobodys'), erase))).toEqual(refused)
    expect(await requests()).toEqual([])
    expect([await isAtAzure(ann.file), await copies()]).toEqual([true, 2])
  })

  it('erases the file of any owner for an admin', async () => {
    const { as, ann, isAtAzure, copies } = await open()
    const answer = await as('admin').ask(`/files/${ann.file.file_id}?upstream=1`, erase)
    expect([answer.status, await isAtAzure(ann.file), await copies()]).toEqual([200, false, 1])
  })

  it('refuses a file of the Files API, which it would leave at Azure', async () => {
    const { as, give, requests } = await open()
    await give('bob', 'file', 'assistant-1')
    await requests()
    const answer = await as('bob').ask('/files/assistant-1?upstream=1', erase)
    expect(await refusal(answer)).toMatchObject({
      status: 400,
      error: { code: 'invalid_request', param: 'upstream' },
    })
    expect(await requests()).toEqual([])
  })

  it.each(['', '=', '=0', '=true', '=2', '=1&upstream=1'])(
    'refuses ?upstream%s and erases nothing',
    async (value) => {
      const { as, ann, isAtAzure, copies } = await open()
      for (const path of [`/files/${ann.file.file_id}`, '/owners/ann']) {
        const answer = await as('admin').ask(`${path}?upstream${value}`, erase)
        expect(await refusal(answer), path).toMatchObject({
          status: 400,
          error: { code: 'invalid_request', param: 'upstream' },
        })
      }
      expect([await isAtAzure(ann.file), await copies()]).toEqual([true, 2])
    },
  )
})

describe('DELETE /owners/{owner}?upstream=1', () => {
  const path = '/owners/ann?upstream=1'

  it('erases all files in the owner’s containers, cited or not, and nothing of others', async () => {
    const { as, ann, bob, isAtAzure, copies, addTo, lines } = await open()
    const uncited = await addTo(ann.file.container_id, 'uncited')
    const answer = await as('admin').ask(path, erase)
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { owner: 'ann', object: 'owner.deleted', deleted: true, copies: 1 },
    ])
    expect(await isAtAzure(ann.file)).toBe(false)
    expect(await isAtAzure({ ...ann.file, file_id: uncited })).toBe(false)
    expect([await isAtAzure(bob.file), await copies()]).toEqual([true, 1])
    const erased = lines.filter(
      ({ message }) => message === 'A container file was erased upstream.',
    )
    expect(erased.map(({ fields }) => fields?.file_id).sort()).toEqual(
      [ann.file.file_id, uncited].sort(),
    )
  })

  it('keeps files of other owners in a shared container', async () => {
    const { as, ann, bob, give, isAtAzure, addTo } = await open()
    const container = ann.file.container_id
    const bobs = await addTo(container, 'bobs')
    const unknown = await addTo(container, 'unknown')
    await give('bob', 'container', container)
    await give('bob', 'file', bobs)
    const answer = await as('admin').ask(path, erase)
    expect(answer.status).toBe(200)
    expect(await isAtAzure(ann.file)).toBe(false)
    for (const file_id of [bobs, unknown]) {
      expect(await isAtAzure({ ...ann.file, file_id }), file_id).toBe(true)
    }
    expect(await isAtAzure(bob.file)).toBe(true)
  })

  it('keeps a file that another owner has too, and says so', async () => {
    const { as, ann, give, isAtAzure } = await open()
    await give('bob', 'file', ann.file.file_id)
    const answer = await as('admin').ask(path, erase)
    expect(await answer.json()).toMatchObject({ deleted: true, shared: [ann.file.file_id] })
    expect(await isAtAzure(ann.file)).toBe(true)
  })

  it('sends one request for an expired container', async () => {
    const { as, advance, requests } = await open()
    advance(4000)
    await requests()
    expect((await as('admin').ask(path, erase)).status).toBe(200)
    expect((await requests()).filter(({ method }) => method === 'DELETE')).toEqual([])
  })

  it('names what Azure keeps, erases the rest, and can be repeated', async () => {
    const { as, ann, fault, isAtAzure, copies, store, addTo } = await open()
    const { file_id, container_id } = ann.file
    const uncited = await addTo(container_id, 'uncited')
    await fault({ match: { method: 'DELETE', path: uncited }, status: 500 })
    await fault({ match: { method: 'DELETE', path: file_id }, kind: 'rbac' })
    const failed = await as('admin').ask(path, erase)
    const body = (await failed.json()) as { failed: string[] }
    expect([failed.status, body]).toMatchObject([
      502,
      { owner: 'ann', deleted: false, copies: 1, error: { code: 'upstream_error' } },
    ])
    expect(body.failed.toSorted()).toEqual([file_id, uncited].sort())
    expect(await copies()).toBe(1)
    expect(await store.list('response/', { limit: 10 })).toHaveLength(1)
    expect((await as('admin').ask(path, erase)).status).toBe(200)
    expect(await isAtAzure(ann.file)).toBe(false)
    expect(await isAtAzure({ ...ann.file, file_id: uncited })).toBe(false)
  })

  it('names a container that could not be listed', async () => {
    const { as, ann, fault, isAtAzure } = await open()
    const { container_id } = ann.file
    await fault({ match: { method: 'GET', path: `${container_id}/files` }, status: 500 })
    const failed = await as('admin').ask(path, erase)
    expect([failed.status, await failed.json()]).toMatchObject([502, { failed: [container_id] }])
    // Its records are erased.
    expect(await isAtAzure(ann.file)).toBe(false)
    expect((await as('admin').ask(path, erase)).status).toBe(200)
  })

  it('is 404 for callers who are not admins, and asks no upstream', async () => {
    const { as, ann, isAtAzure, requests } = await open()
    await requests()
    for (const who of ['ann', 'bob'] as const) {
      const answer = await as(who).ask(path, erase)
      expect(await refusal(answer)).toMatchObject({ status: 404, error: { code: 'not_found' } })
    }
    expect([await requests(), await isAtAzure(ann.file)]).toEqual([[], true])
  })

  it('does not break later turns', async () => {
    const { as } = await open()
    await as('admin').ask(path, erase)
    const again = await as('ann').ask('/openai/v1/responses', json(responseRequest(prompt)))
    expect(again.status).toBe(200)
  })
})
