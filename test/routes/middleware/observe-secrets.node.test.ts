import { describe, expect, it } from 'vitest'
import { patient } from '../../lib/child.ts'
import { json } from '../../lib/harness.ts'
import { open, openEmulator, respond } from '../console.ts'

describe('the whole log', () => {
  it('contains no key, token, signature, query or file name from any place in a request', async () => {
    const secret = 'HUSH'
    const key = `a-caller-key-${secret}-long-enough`
    const env = {
      CFILE_API_KEYS: `team:${key}`,
      CFILE_SIGNING_KEYS: `k1:signing-${secret}-0123456789abcdef0123456789`,
      CFILE_WEBHOOK_SECRETS: `whsec_${Buffer.from(`webhook-${secret}-secret-of-24-bytes`).toString('base64')}`,
      LOG_LEVEL: 'debug',
    }
    const { url, output } = await open(env, await openEmulator())
    const auth = { authorization: `Bearer ${key}` }
    const file = await respond(url, `Save a CSV called ${secret}.csv`, auth)
    const { download_url: link } = await (
      await fetch(`${url}/links`, {
        ...json({ file_id: file.file_id, filename: `${secret}.csv` }),
        headers: { ...auth, 'content-type': 'application/json' },
      })
    ).json()
    const [, token = '', signature = ''] = /\/s\/([\w-]+)\.([\w-]{22})/.exec(link) ?? []
    const hostile = [
      `/files/${file.file_id}?sig=${secret}&api_key=${secret}`,
      `/files/${secret}%0a%22x`,
      `/containers/${file.container_id}/path/${secret}.csv?x=${secret}`,
      `/containers/cntr_1/files/..%2f${secret}`,
      `/s/${token}.${signature}/${secret}.csv?token=${secret}`,
      `/s/${token}.${signature.slice(0, -2)}AA/${secret}`,
      `/s/${secret}`,
      `/openai/v1/containers/${file.container_id}?key=${secret}`,
      `/openai/v1/${secret}/x`,
      `/openai/deployments/${secret}/responses?api-version=${secret}`,
      `/${secret}`,
      `/webhooks`,
    ]
    const headers = {
      authorization: `Bearer ${secret}`,
      'api-key': secret,
      cookie: secret,
      'user-agent': secret,
      'x-request-id': secret,
      traceparent: `00-${secret}`,
      tracestate: secret,
      referer: `https://x/?${secret}`,
      range: secret,
      'if-range': secret,
      accept: secret,
    }
    for (const path of hostile) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        for (const extra of [auth, { ...headers, ...auth }, headers]) {
          const body =
            method === 'POST'
              ? JSON.stringify({ [secret]: secret, file_id: secret, expires_in: secret })
              : undefined
          await (
            await fetch(url + path, {
              method,
              body,
              headers: { ...extra, 'content-type': 'application/json' },
            })
          ).arrayBuffer()
        }
      }
    }
    await expect
      .poll(() => output().split('\n').length, patient)
      .toBeGreaterThan(hostile.length * 9)
    const lines = output().split('\n')
    expect(lines.filter((line) => line.includes(secret))).toEqual([])
    expect(output()).not.toContain(token)
    expect(output()).not.toContain(signature)
    expect(output()).not.toContain('azure-key-hush')
  })
})
