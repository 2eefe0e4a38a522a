import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Archive } from '../../../../src/archives/archive.ts'
import { memoryArchive } from '../../../../src/archives/memory.ts'
import { anyone } from '../../../../src/gateway/gateway.ts'
import { openCallers } from '../../../lib/callers.ts'
import { json, openHarness, responseRequest } from '../../../lib/harness.ts'

const { signal } = new AbortController()

function openArchive(): Archive {
  return memoryArchive({
    now: () => 0,
    createSha256() {
      const hash = createHash('sha256')
      return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest('hex') }
    },
  })
}

describe('deleting upstream', () => {
  it('deletes the copy of a file too, and keeps the copies of a deleted container', async () => {
    const archive = openArchive()
    const deleted: string[] = []
    const watched = {
      ...archive,
      delete: async (...[key, options]: Parameters<typeof archive.delete>) => {
        deleted.push(key)
        return archive.delete(key, options)
      },
    }
    const gateway = openHarness({ archive: watched })
    const [file] = await gateway.respond('Save the numbers as a CSV.')
    const container = `/openai/v1/containers/${file?.container_id}`
    const remove = { method: 'DELETE', signal }
    expect((await gateway.ask(`${container}/files/${file?.file_id}`, remove)).status).toBe(200)
    expect(deleted).toEqual([`${anyone.key}/${file?.file_id}`])
    expect((await gateway.ask(container, remove)).status).toBe(200)
    expect(deleted).toHaveLength(1)
  })

  it('succeeds although the archive fails', async () => {
    const archive = openArchive()
    const ill = {
      ...archive,
      delete: async () => {
        throw new Error('down')
      },
    }
    const gateway = openHarness({ archive: ill, archiveMode: 'lazy' })
    const [file] = await gateway.respond('Save the numbers as a CSV.')
    const path = `/openai/v1/containers/${file?.container_id}/files/${file?.file_id}`
    expect((await gateway.ask(path, { method: 'DELETE' })).status).toBe(200)
  })
})

describe('deleting upstream with caller auth', () => {
  async function openWithCopy() {
    const archive = openArchive()
    const gateway = openCallers({ archive })
    const { file } = await gateway.as('ann').answer('Save the numbers as a CSV.')
    // Downloaded, so that a copy exists.
    await (await gateway.as('ann').ask(`/files/${file.file_id}`)).arrayBuffer()
    const copies = async () => {
      const keys: string[] = []
      for await (const { key } of archive.list({ signal })) keys.push(key)
      return keys
    }
    return { gateway, file, copies }
  }

  it.each([
    ['/openai/v1/containers/CONTAINER/files/FILE'],
    ['/openai/v1/files/FILE'],
    ['/files/FILE'],
  ])('erases every owner’s record and copy when an admin deletes %s', async (path) => {
    const { gateway, file, copies } = await openWithCopy()
    expect(await copies()).toHaveLength(1)
    const target = path.replace('CONTAINER', file.container_id).replace('FILE', file.file_id)
    const answer = await gateway.as('admin').ask(target, { method: 'DELETE' })
    expect(answer.status).toBe(200)
    expect(await copies()).toEqual([])
    await gateway.requests()
    for (const owner of ['ann', 'bob'] as const) {
      expect((await gateway.as(owner).ask(`/files/${file.file_id}`)).status).toBe(404)
    }
    expect(await gateway.requests()).toEqual([])
  })

  it('erases the owner’s record of a response too, also when an admin deletes it', async () => {
    for (const who of ['ann', 'admin'] as const) {
      const gateway = openCallers()
      const made = await gateway.as('ann').ask('/openai/v1/responses', json(responseRequest('hi')))
      const path = `/openai/v1/responses/${((await made.json()) as { id: string }).id}`
      expect((await gateway.as(who).ask(path, { method: 'DELETE' })).status).toBe(200)
      await gateway.requests()
      expect((await gateway.as('ann').ask(path)).status).toBe(404)
      expect(await gateway.requests()).toEqual([])
    }
  })

  it('keeps the record of a file that is only removed from a vector store', async () => {
    const gateway = openCallers()
    const form = new FormData()
    form.set('purpose', 'assistants')
    form.set('file', new File(['a'], 'a.txt'))
    const made = await gateway.as('ann').ask('/openai/v1/files', { method: 'POST', body: form })
    const { id } = (await made.json()) as { id: string }
    await gateway.give('ann', 'thing', 'vs_1')
    await gateway.fault({ status: 200, body: { id, deleted: true } })
    const path = `/openai/v1/vector_stores/vs_1/files/${id}`
    expect((await gateway.as('ann').ask(path, { method: 'DELETE' })).status).toBe(200)
    expect((await gateway.as('ann').ask(`/openai/v1/files/${id}`)).status).toBe(200)
  })

  it('keeps the copies of an owner when an admin deletes the container', async () => {
    const { gateway, file, copies } = await openWithCopy()
    const path = `/openai/v1/containers/${file.container_id}`
    expect((await gateway.as('admin').ask(path, { method: 'DELETE' })).status).toBe(200)
    expect(await copies()).toHaveLength(1)
    expect((await gateway.as('ann').ask(`/files/${file.file_id}`)).status).toBe(200)
  })
})
