import { env } from 'cloudflare:workers'
import { describe, it } from 'vitest'
import { r2Archive } from '../../../src/archives/r2.ts'
import { testSha256 } from '../../archives/contract.ts'
import { openArchived, outliveContainer } from '../../lib/archived.ts'

describe('files of an expired container', () => {
  it('are served by all routes as before, from R2', async () => {
    const archive = r2Archive({
      bucket: env.FILES_BUCKET,
      createSha256: testSha256,
      newName: () => crypto.randomUUID(),
      prefix: 'archived',
    })
    await outliveContainer(openArchived({ archive, linkTtl: 7 * 86_400 }), 2 * 3600, 9)
  })
})
