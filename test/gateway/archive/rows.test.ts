import { describe, expect, it } from 'vitest'
import { webHmac } from '../../../src/core/links/keys.ts'
import { createAuthenticate, createKeyRing } from '../../../src/routes/callers/callers.ts'
import { type Archived, openArchived, outliveContainer } from '../../lib/archived.ts'
import { citedFiles, json, responseRequest } from '../../lib/harness.ts'

const day = 86_400
const year = 365 * day

describe('files of an expired container', () => {
  it('are served by all routes as before, from memory', async () => {
    await outliveContainer(openArchived({ linkTtl: 7 * day }), 2 * 3600)
  })

  it('are served after years with CFILE_ARCHIVE_TTL=0', async () => {
    await outliveContainer(openArchived({ linkTtl: 10 * year }), 7 * year)
  })

  it('are served on the last day of a lifetime of years', async () => {
    const gateway = openArchived({ linkTtl: 10 * year, archiveTtl: 2 * year })
    await outliveContainer(gateway, 2 * year - 60)
  })
})

const owners = ['ann', 'bob', 'admin']

/** An answer that ann got years ago, and the requests of ann and others today. */
async function longAgo() {
  const keys = createKeyRing(
    owners.map((owner) => ({ owner: owner === 'admin' ? '*' : owner, key: `key-of-${owner}` })),
    webHmac(new Uint8Array(32)),
  )
  const gateway = openArchived({ authenticate: createAuthenticate({ keys }) })
  const as =
    (owner: string) =>
    async (path: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers)
      headers.set('authorization', `Bearer key-of-${owner}`)
      return gateway.ask(path, { ...init, headers })
    }
  const asked = json(responseRequest('Write a CSV'))
  const answer = await (await as('ann')('/openai/v1/responses', asked)).json()
  await gateway.settled()
  gateway.advance(3 * year)
  const [file] = citedFiles(answer)
  if (file === undefined) throw new Error('Nothing was cited.')
  const { container_id, file_id, filename } = file
  const paths = [
    `/files/${file_id}`,
    `/containers/${container_id}/files/${file_id}`,
    `/containers/${container_id}/path/${filename}`,
    `/containers/${container_id}/files`,
    `/containers/${container_id}/files.zip`,
  ]
  return { gateway, as, answer, file, paths }
}

async function statuses(ask: Archived['ask'], paths: readonly string[]): Promise<number[]> {
  return Promise.all(paths.map(async (path) => (await ask(path)).status))
}

describe('years after an answer', () => {
  it('its files belong to their owner and to admins only', async () => {
    const { as, answer, paths } = await longAgo()
    expect(await statuses(as('ann'), paths)).toEqual(paths.map(() => 200))
    expect(await statuses(as('admin'), paths)).toEqual(paths.map(() => 200))
    expect(await statuses(as('bob'), paths)).toEqual(paths.map(() => 404))
    expect((await as('bob')('/captures', json(answer))).status).toBe(404)
    expect(await statuses(as('bob'), paths)).toEqual(paths.map(() => 404))
  })

  it('a file can be erased by its owner or by an admin', async () => {
    for (const who of ['ann', 'admin']) {
      const { as, file, paths } = await longAgo()
      const erased = await as(who)(`/files/${file.file_id}`, { method: 'DELETE' })
      expect(erased.status, who).toBe(200)
      expect(await statuses(as('ann'), paths.slice(0, 1)), who).toEqual([404])
      expect((await as(who)(`/files/${file.file_id}`, { method: 'DELETE' })).status).toBe(404)
    }
  })

  it('everything of an owner can be erased', async () => {
    const { as, paths } = await longAgo()
    const erased = await as('admin')('/owners/ann', { method: 'DELETE' })
    expect(await erased.json()).toMatchObject({ copies: 1, deleted: true })
    expect(await statuses(as('ann'), paths)).toEqual(paths.map(() => 404))
  })
})
