import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Hmac, parseSigningKeys } from '../../../src/core/links/keys.ts'
import { createSigner } from '../../../src/core/links/signer.ts'

const secret = 'a secret that whoever signs knows'
const keys = parseSigningKeys(`k1:${secret}`)
const base = 'https://files.example.com'

describe('createSigner', () => {
  it('signs as documented, so that another implementation can verify a link', async () => {
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
    const plain = (text: string) => [Buffer.byteLength(text) * 4, ...Buffer.from(text)]
    const payload = Buffer.from([
      ...[1, 4],
      // 1,790,000,000 in groups of 7 bits, lowest first.
      ...[0x80, 0xf7, 0xc4, 0xd5, 0x6],
      ...[plain('k1'), plain('sweden'), plain('o3')].flat(),
      ...[1 * 4 + 2, 0xa1],
      ...[1 * 4 + 3, 0xb2],
      ...plain('ü.csv'),
    ]).toString('base64url')
    const signature = createHmac('sha256', secret).update(`cfile link.${payload}`).digest()
    const token = `${payload}.${signature.subarray(0, 16).toString('base64url')}`
    expect(link).toBe(`${base}/s/${token}/%C3%BC.csv`)
  })

  it('signs and verifies the same links with the HMAC of the runtime', async () => {
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
    const token = link.split('/')[4] ?? ''
    expect(await brought.verify(token, 1_789_999_999)).toMatchObject(grant)
    await expect(brought.verify(token.slice(0, -2), 1_789_999_999)).rejects.toThrow(/not valid/)
  })
})
