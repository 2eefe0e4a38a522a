import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, onTestFinished } from 'vitest'
import { fsArchive } from '../../../src/archives/fs.ts'
import { nodeRuntime } from '../../../src/node.ts'
import { openArchived, outliveContainer } from '../../lib/archived.ts'
import { overHttp } from '../../lib/served.ts'

describe('files of an expired container', () => {
  it('are served by all routes over HTTP as before, from a folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cfile-archived-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const archive = fsArchive({ folder })
    const gateway = await overHttp(openArchived({ ...nodeRuntime(), archive, linkTtl: 7 * 86_400 }))
    await outliveContainer(gateway, 2 * 3600)
  })
})
