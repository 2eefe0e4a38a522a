/**
 * Addresses and settings with which the server refuses to start, since anybody could download files.
 */

import { describe, expect, it, onTestFinished } from 'vitest'
import { serve } from '../../src/node.ts'
import { createIssuer } from '../lib/tokens.ts'
import { listen } from '../lib/upstream.ts'

const azure = {
  AZURE_OPENAI_ENDPOINT: 'https://res.openai.azure.com',
  AZURE_OPENAI_API_KEY: 'secret-of-azure',
  CFILE_STORE: 'memory:',
  LOG_LEVEL: 'silent',
  PORT: '0',
}
const beyond = ['0.0.0.0', '::', '[::]', '192.0.2.1', '2001:db8::1', '::ffff:192.0.2.1']
const hostnames = ['files.example.com', 'localhost.example.com', '127.0.0.1.example.com', '*']
const noLoopback = [...beyond, ...hostnames, '0', '127.0.0.1.', '::ffff:0.0.0.0', '128.0.0.1']

describe('serve', () => {
  it.each(noLoopback)(
    'refuses to serve without keys on %s unless the settings allow it',
    async (HOST) => {
      await expect(serve({ ...azure, HOST })).rejects.toMatchObject({
        code: 'invalid_request',
        details: { param: 'CFILE_ALLOW_ANONYMOUS' },
        message: expect.not.stringContaining('secret-of-azure'),
      })
    },
  )

  it.each(noLoopback)(
    'refuses to start without a public URL on %s, since links would not work',
    async (HOST) => {
      const callers = { CFILE_API_KEYS: 'ann:a-key-of-ann-for-tests' }
      await expect(serve({ ...azure, ...callers, HOST })).rejects.toMatchObject({
        code: 'invalid_request',
        details: { param: 'CFILE_PUBLIC_URL' },
        message: expect.stringContaining('set CFILE_PUBLIC_URL'),
      })
    },
  )

  it.each(noLoopback)('never serves the emulator on %s', async (HOST) => {
    const callers = {
      CFILE_API_KEYS: 'ann:a-key-of-ann-for-tests',
      CFILE_ALLOW_ANONYMOUS: '1',
      LOG_LEVEL: 'silent',
    }
    await expect(serve({ ...callers, HOST, PORT: '0' })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('AZURE_OPENAI_ENDPOINT'),
    })
  })

  it('serves beyond loopback with caller auth or CFILE_ALLOW_ANONYMOUS', async () => {
    const { jwk } = await createIssuer('ES256', 'one')
    const issuer = await listen((_, response) => response.end(JSON.stringify({ keys: [jwk] })))
    onTestFinished(issuer.close)
    const settings: Record<string, string>[] = [
      { CFILE_API_KEYS: 'ann:a-key-of-ann-for-tests' },
      { CFILE_JWKS_URL: `${issuer.url}/keys` },
      { CFILE_ALLOW_ANONYMOUS: '1' },
    ]
    for (const more of settings) {
      const CFILE_PUBLIC_URL = 'https://files.example.com'
      const running = await serve({ ...azure, ...more, CFILE_PUBLIC_URL, HOST: '0.0.0.0' })
      const { status } = await fetch(`${running.url.replace('0.0.0.0', '127.0.0.1')}/files/x`)
      expect(status).toBe('CFILE_ALLOW_ANONYMOUS' in more ? 400 : 401)
      await running.close()
    }
  })

  it('serves everybody on loopback, in any spelling', async () => {
    for (const HOST of ['127.0.0.1', '127.0.0.2', 'localhost', 'LOCALHOST']) {
      const running = await serve({ ...azure, HOST })
      expect((await fetch(`${running.url}/healthz`)).status, HOST).toBe(200)
      await running.close()
    }
  })

  it('accepts the callers of the environment', async () => {
    const running = await serve({
      ...azure,
      CFILE_API_KEYS: 'ann:a-key-of-ann-for-tests,*:a-key-of-an-admin',
    })
    const ask = (headers: Record<string, string>) =>
      fetch(`${running.url}/files/cfile_nobodys`, { headers }).then(({ status }) => status)
    expect(await ask({})).toBe(401)
    expect(await ask({ authorization: 'Bearer key-x' })).toBe(401)
    expect(await ask({ authorization: 'Bearer a-key-of-ann-for-tests' })).toBe(404)
    expect(await ask({ 'api-key': 'a-key-of-an-admin' })).toBe(404)
    expect((await fetch(`${running.url}/healthz`)).status).toBe(200)
    await running.close()
  })
})
