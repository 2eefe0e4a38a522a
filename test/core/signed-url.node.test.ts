import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSigner, type Hmac } from '../../src/core/signed-url.ts'
import { parseSigningKeys } from '../../src/core/signing-keys.ts'

const secret = 'a secret that whoever signs knows'
const keys = parseSigningKeys(`k1:${secret}`)
const base = 'https://files.example.com'

describe('createSigner', () => {
  it('signs what is documented, so that another implementation could check a link', async () => {
    const link = await createSigner(keys).sign(base, {
      kind: 'file',
      containerId: 'cntr_a1',
      fileId: 'cfile_b2',
      upstream: 'sweden',
      owner: 'o3',
      filename: 'ü.csv',
      disposition: 'inline',
      expiresAt: 1_790_000_000,
    })
    const fields = [
      'cntr_a1',
      'cfile_b2',
      '',
      'sweden',
      'o3',
      'ü.csv',
      'inline',
      1_790_000_000,
      'k1',
    ]
    const signature = createHmac('sha256', secret)
      .update(JSON.stringify(['cfile link', 'file', ...fields]))
      .digest('base64url')
    expect(new URL(link).searchParams.get('s')).toBe(signature)
  })

  it('makes and takes the same links with the HMAC that a runtime brings', async () => {
    const native = (key: Uint8Array): Hmac => {
      return (text) => createHmac('sha256', key).update(text).digest()
    }
    const [own, brought] = [createSigner(keys), createSigner(keys, native)]
    const grant = {
      kind: 'page',
      containerId: 'cntr_a1',
      owner: 'o3',
      expiresAt: 1_790_000_000,
    } as const
    const link = await own.sign(base, grant)
    expect(await brought.sign(base, grant)).toBe(link)
    expect(await brought.verify(link.slice(base.length), 1_789_999_999)).toMatchObject(grant)
    const other = link.slice(base.length, -2)
    await expect(brought.verify(other, 1_789_999_999)).rejects.toThrow(/not valid/)
  })
})
