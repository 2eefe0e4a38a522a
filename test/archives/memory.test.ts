import { memoryArchive } from '../../src/archives/memory.ts'
import { archiveContract, testSha256 } from './contract.ts'

archiveContract('memory', async () => ({
  archive: memoryArchive({ createSha256: testSha256, now: () => 1_790_000_000 }),
}))
