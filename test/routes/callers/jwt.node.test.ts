/**
 * Callers with tokens, from the settings to the answer: a key set on a real socket, and the app that they make.
 */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createEmulator } from '../../../src/emulator/emulator.ts'
import { openApp, parseEnv } from '../../../src/index.ts'
import { citedFiles, json, responseRequest } from '../../lib/harness.ts'
import { createIssuer, type Issuer } from '../../lib/tokens.ts'
import { listen } from '../../lib/upstream.ts'

const iss = 'https://issuer.example.com/'
const requests: string[] = []
const issuers = {} as Record<'RS256' | 'ES256' | 'EdDSA', Issuer>
const keySet = createServer((request, response) => {
  requests.push(`${request.method} ${request.url}`)
  const keys = Object.values(issuers).map(({ jwk }) => jwk)
  if (request.url !== '/keys') return void response.writeHead(404).end()
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }))
})
let jwksUrl = ''

beforeAll(async () => {
  for (const kind of ['RS256', 'ES256', 'EdDSA'] as const) {
    issuers[kind] = await createIssuer(kind, kind)
  }
  await new Promise<void>((resolve) => keySet.listen(0, '127.0.0.1', resolve))
  jwksUrl = `http://127.0.0.1:${(keySet.address() as AddressInfo).port}/keys`
})
afterAll(() => {
  keySet.close()
})

const now = () => Math.floor(Date.now() / 1000)
const claims = (more: object = {}) => ({ iss, aud: 'cfile', sub: 'ann', exp: now() + 300, ...more })

function open(more: Record<string, string> = {}) {
  const settings = parseEnv({
    CFILE_JWKS_URL: jwksUrl,
    CFILE_JWT_ISSUER: iss,
    CFILE_JWT_AUDIENCE: 'cfile',
    CFILE_API_KEYS: 'ann:a-long-key-of-ann,bob:a-long-key-of-bob,*:a-long-key-of-admin',
    LOG_LEVEL: 'silent',
    ...more,
  })
  const app = openApp(settings, { emulator: createEmulator })
  const ask = async (path: string, credential?: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    if (credential !== undefined) headers.set('authorization', `Bearer ${credential}`)
    return app.request(path, { ...init, headers })
  }
  return {
    ask,
    async write(credential: string) {
      const init = json(responseRequest('Save sales.csv.'))
      const answer = await ask('/openai/v1/responses', credential, init)
      expect(answer.status).toBe(200)
      return `/files/${citedFiles(await answer.json())[0]?.file_id}`
    },
  }
}

describe('a caller with a token', () => {
  it.each(['RS256', 'ES256', 'EdDSA'] as const)(
    'signed by %s has files of their own',
    async (kind) => {
      const { ask, write } = open()
      const ann = await issuers[kind].token(claims())
      const bob = await issuers[kind].token(claims({ sub: 'bob' }))
      const path = await write(ann)
      expect((await ask(path, ann)).status).toBe(200)
      expect((await ask(path, bob)).status).toBe(404)
    },
  )

  it('is the same owner as who has the key of that name, both ways', async () => {
    const { ask, write } = open()
    const token = await issuers.ES256.token(claims())
    const byToken = await write(token)
    const byKey = await write('a-long-key-of-ann')
    for (const path of [byToken, byKey]) {
      const bytes = await Promise.all(
        [token, 'a-long-key-of-ann', 'a-long-key-of-admin'].map(async (credential) => {
          const answer = await ask(path, credential)
          expect(answer.status).toBe(200)
          return answer.text()
        }),
      )
      expect(new Set(bytes).size).toBe(1)
      expect((await ask(path, 'a-long-key-of-bob')).status).toBe(404)
    }
  })

  it('is identified by the claim that the setting names', async () => {
    const { ask, write } = open({ CFILE_JWT_OWNER_CLAIM: 'https://example.com/tenant' })
    const path = await write('a-long-key-of-ann')
    const tenant = (name: string, sub: string) =>
      issuers.RS256.token(claims({ sub, 'https://example.com/tenant': name }))
    expect((await ask(path, await tenant('ann', 'bob'))).status).toBe(200)
    expect((await ask(path, await tenant('bob', 'ann'))).status).toBe(404)
    expect((await ask(path, await issuers.RS256.token(claims()))).status).toBe(401)
  })

  it('gets 401 on every route for a token of another audience', async () => {
    const { ask, write } = open()
    const path = await write('a-long-key-of-ann')
    const stranger = await createIssuer('ES256', 'ES256')
    const { token } = issuers.ES256
    const refused: Record<string, string> = {
      'another audience': await token(claims({ aud: 'other' })),
      'no audience': await token(claims({ aud: undefined })),
      'another issuer': await token(claims({ iss: 'https://evil.example.com/' })),
      expired: await token(claims({ exp: now() - 1 })),
      'for ever': await token(claims({ exp: undefined })),
      'not yet': await token(claims({ nbf: now() + 600 })),
      'no owner': await token(claims({ sub: '' })),
      'an admin by claim': await token(claims({ sub: '*' })),
      'a stranger’s': await stranger.token(claims()),
      'an unknown crit': await token(claims(), { crit: ['b64'] }),
    }
    for (const [name, credential] of Object.entries(refused)) {
      for (const route of [path, '/openai/v1/responses/resp_1', '/containers/cntr_1/files']) {
        const answer = await ask(route, credential)
        expect(answer.status, `${name} ${route}`).toBe(401)
        expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
        expect(await answer.json()).toMatchObject({ error: { code: 'unauthorized' } })
      }
    }
    const none = await ask(path)
    expect(none.status).toBe(401)
    expect(none.headers.get('www-authenticate')).toBe('Bearer')
  })

  it('finds a mounted app not ready until the keys were fetched once, and ready when the issuer goes down later', async () => {
    const { ask } = open({ CFILE_JWKS_URL: jwksUrl.replace('/keys', '/missing') })
    const early = await ask('/readyz')
    expect(early.status).toBe(503)
    expect(await early.json()).toMatchObject({
      error: { code: 'not_ready', hint: expect.stringContaining('CFILE_JWKS_URL') },
    })
    expect((await ask('/healthz')).status).toBe(200)

    let isUp = true
    const issuer = await listen((_, response) => {
      const keys = [issuers.ES256.jwk]
      response.writeHead(isUp ? 200 : 503).end(isUp ? JSON.stringify({ keys }) : '')
    })
    onTestFinished(issuer.close)
    const later = open({ CFILE_JWKS_URL: issuer.url })
    expect((await later.ask('/readyz')).status).toBe(200)
    isUp = false
    expect((await later.ask('/readyz')).status).toBe(200)
    expect((await later.ask('/files/cfile_1', await issuers.ES256.token(claims()))).status).toBe(
      404,
    )
  })

  it('causes one request to the issuer for many callers', async () => {
    const { ask } = open()
    requests.length = 0
    const token = await issuers.EdDSA.token(claims())
    await Promise.all(Array.from({ length: 20 }, () => ask('/files/cfile_1', token)))
    await ask('/files/cfile_1', token)
    expect(requests).toEqual(['GET /keys'])
  })
})
