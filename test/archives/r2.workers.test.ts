import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { r2Archive } from '../../src/archives/r2.ts'
import { archiveContract, bodyOf, testBytes, testSha256 } from './contract.ts'

// R2 accepts no smaller parts.
const partBytes = 5 * 1024 * 1024

const open = (prefix: string) =>
  r2Archive({
    bucket: env.FILES_BUCKET,
    createSha256: testSha256,
    newName: () => crypto.randomUUID(),
    prefix,
    partBytes,
  })

archiveContract('Cloudflare R2 in workerd', async () => ({
  archive: open('contract'),
  partBytes,
  async damage(key, bytes) {
    const [name = ''] = await names(`contract/files/${key}.`)
    await (bytes ? env.FILES_BUCKET.put(name, bytes) : env.FILES_BUCKET.delete(name))
  },
}))

describe('an archive in R2', () => {
  it('removes the bytes of a copy that was interrupted before its record, and no others', async () => {
    const archive = open('sweep')
    await archive.put('o/whole', bodyOf(testBytes(9)), { owner: 'o', file_id: 'whole' })
    await env.FILES_BUCKET.put('sweep/files/o/half.left-1', testBytes(9))
    await env.FILES_BUCKET.put('sweep/files/o/whole.left-2', testBytes(9))
    await archive.removeLeftovers({ before: 0 })
    expect(await names('sweep/files/')).toHaveLength(3)
    await archive.removeLeftovers({ before: Number.MAX_SAFE_INTEGER })
    expect(await names('sweep/files/')).toHaveLength(1)
    expect((await archive.get('o/whole'))?.bytes).toBe(9)
  })
})

async function names(prefix: string): Promise<string[]> {
  return (await env.FILES_BUCKET.list({ prefix })).objects.map(({ key }) => key)
}
