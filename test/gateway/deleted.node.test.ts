import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Archive } from '../../src/archives/archive.ts'
import { memoryArchive } from '../../src/archives/memory.ts'
import { anyone } from '../../src/gateway/gateway.ts'
import { openHarness } from '../harness.ts'

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
  it('takes a file’s copy along, and leaves the copies of a container that is deleted', async () => {
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

  it('goes through though the archive is ill', async () => {
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
