import type { Context } from 'hono'
import { describe, expect, it } from 'vitest'
import { CfileError } from '../../../src/core/errors.ts'
import { webHmac } from '../../../src/core/links/keys.ts'
import { createAuthenticate, createKeyRing } from '../../../src/routes/callers/callers.ts'

const keys = createKeyRing(
  [
    { owner: 'ann', key: 'a1' },
    { owner: '*', key: 'root' },
  ],
  webHmac(new Uint8Array(32)),
)
const jwt = async (token: string) => (token === 'token.of.bob' ? { owner: 'bob' } : undefined)
const authenticate = createAuthenticate({ keys, jwt })
const request = (headers: Record<string, string>) =>
  ({ req: { raw: new Request('http://localhost/', { headers }) } }) as unknown as Context
const who = async (headers: Record<string, string>) => authenticate(request(headers))

describe('createAuthenticate', () => {
  it('identifies the caller by the headers that clients of OpenAI and of Azure send', async () => {
    const ann = { owner: 'ann', admin: false }
    expect(await who({ authorization: 'Bearer a1' })).toEqual(ann)
    expect(await who({ authorization: 'bearer  a1' })).toEqual(ann)
    expect(await who({ 'api-key': 'a1' })).toEqual(ann)
    expect(await who({ authorization: 'Bearer token.of.bob' })).toEqual({
      owner: 'bob',
      admin: false,
    })
    expect(await who({ authorization: 'Bearer root' })).toEqual({ owner: '*', admin: true })
  })

  it('accepts the valid credential if a proxy added another', async () => {
    const ann = { owner: 'ann', admin: false }
    expect(await who({ authorization: 'Basic YTox', 'api-key': 'a1' })).toEqual(ann)
    expect(await who({ authorization: 'Bearer of-the-proxy', 'api-key': 'a1' })).toEqual(ann)
  })

  it('refuses everybody else, and says which credentials it accepts', async () => {
    const wrong: Record<string, string>[] = [
      {},
      { authorization: '' },
      { authorization: 'Bearer' },
      { authorization: 'Bearer ' },
      { authorization: 'Bearer a1 a1' },
      { authorization: 'Bearer a1, Bearer a1' },
      { authorization: 'Basic a1' },
      { authorization: 'a1' },
      { authorization: 'Bearer ann' },
      { authorization: 'Bearer *' },
      { 'api-key': '' },
      { 'api-key': 'ann:a1' },
      { 'api-key': 'token.of.bob' },
      { 'x-api-key': 'a1' },
      { cookie: 'api-key=a1' },
    ]
    for (const headers of wrong) {
      await expect(who(headers), JSON.stringify(headers)).rejects.toMatchObject({
        code: 'unauthorized',
        status: 401,
        details: { headers: { 'www-authenticate': expect.stringMatching(/^Bearer/) } },
      })
    }
  })

  it('does not report a check that cannot be made as a wrong token', async () => {
    const down = createAuthenticate({
      keys,
      jwt: async () => {
        throw new CfileError('not_ready', 'not now')
      },
    })
    expect(await down(request({ authorization: 'Bearer a1' }))).toMatchObject({ owner: 'ann' })
    await expect(down(request({ authorization: 'Bearer x' }))).rejects.toMatchObject({
      code: 'not_ready',
    })
  })
})
