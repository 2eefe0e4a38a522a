import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { diagnose } from '../../src/cli/doctor.ts'
import type { WaitSignal } from '../../src/core/time.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { json } from '../harness.ts'

const key = 'a-secret-key'
const resource = {
  AZURE_OPENAI_ENDPOINT: 'http://emulator.localhost',
  AZURE_OPENAI_API_KEY: key,
  CFILE_SIGNING_KEYS: `k1:${'x'.repeat(32)}`,
}
const now = 1_790_000_000

interface World {
  readonly env?: Record<string, string>
  readonly fault?: object
  /** Of Entra ID. */
  readonly token?: (form: URLSearchParams) => Response
  readonly date?: number
}

async function visit({ env = {}, fault, token, date = now }: World = {}, width = 100) {
  const emulator = createEmulator({ now: () => now })
  if (fault !== undefined) {
    await emulator.request('/emulator/faults', json({ times: 100, ...fault }))
  }
  const folder = await mkdtemp(join(tmpdir(), 'cfile-'))
  const all = { ...resource, CFILE_DATA_DIR: folder, ...env }
  const runtime = {
    now: () => now,
    wait: async (ms: number, signal?: WaitSignal) => {
      // A limit is not to pass, a pause is not to last.
      if (ms >= 3000) await new Promise((_, reject) => signal?.addEventListener('abort', reject))
    },
    async fetch(input: string | URL | Request, init?: RequestInit) {
      const request = new Request(input, init)
      if (request.url.includes('/oauth2/')) {
        return token?.(new URLSearchParams(await request.text())) ?? Response.error()
      }
      const answer = await emulator.fetch(request)
      const headers = new Headers(answer.headers)
      headers.set('date', new Date(date * 1000).toUTCString())
      return new Response(answer.body, { status: answer.status, headers })
    },
  }
  return diagnose(all, runtime, width)
}

function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2lnbmF0dXJl`
}

describe('cfile doctor', () => {
  it('says that it tries this machine, to whoever uses a gateway elsewhere', async () => {
    const { text, isWell } = await visit({ env: { CFILE_URL: 'https://files.example.com' } })
    expect(text.replace(/\s+/g, ' ')).toContain('CFILE_URL is for the other commands')
    expect(isWell).toBe(true)
  })

  it('finds nothing where all is well, in a table that is good to read', async () => {
    const { text, isWell } = await visit()
    expect(text).toBe(`Settings
  ok    settings  read

Upstream default: resource http://emulator.localhost/openai/v1
  ok    credential  api key
  ok    v1 path     http://emulator.localhost/openai/v1 answers
  ok    role        may read containers
  -     dated path  does not answer; not needed
  ok    clock       0 s ahead of the upstream's

Store and archive
  ok    ready  the server opens them, and says it is ready

All is well.
`)
    expect(isWell).toBe(true)
  })

  it('says for whom a token is and when it ends, and shows neither it nor the secret', async () => {
    const token = jwt({
      aud: 'https://cognitiveservices.azure.com',
      tid: 'the-tenant',
      appid: 'the-app',
      exp: now + 3600,
    })
    const { text, isWell } = await visit({
      env: {
        AZURE_OPENAI_API_KEY: '',
        AZURE_TENANT_ID: 'the-tenant',
        AZURE_CLIENT_ID: 'the-app',
        AZURE_CLIENT_SECRET: 'hush',
      },
      token: () => Response.json({ access_token: token, expires_in: 3600 }),
    })
    expect(text.replace(/\s+/g, ' ')).toContain(
      'token audience https://cognitiveservices.azure.com, tenant the-tenant, app the-app, ends in 60 min',
    )
    expect(text).toContain('client secret')
    expect(text).not.toMatch(/hush|eyJ/)
    expect(isWell).toBe(true)
  })

  it.each<[string, World, RegExp]>([
    ['a wrong setting', { env: { PORT: 'x' } }, /PORT got "x", but takes a port/],
    [
      'no upstream',
      { env: { AZURE_OPENAI_ENDPOINT: '', AZURE_OPENAI_API_KEY: '' } },
      /Set AZURE_OPENAI_ENDPOINT/,
    ],
    ['a wrong key', { fault: { kind: 'wrong_key' } }, /FAIL +v1 path.*key of the very resource/],
    ['disabled keys', { fault: { kind: 'key_disabled' } }, /Unset AZURE_OPENAI_API_KEY/],
    ['a missing role', { fault: { kind: 'rbac' } }, /FAIL +role.*Cognitive Services OpenAI User/],
    ['a wrong audience', { fault: { kind: 'wrong_audience' } }, /unset AZURE_OPENAI_SCOPE/],
    ['a firewall', { fault: { kind: 'firewall' } }, /Networking of the account/],
    ['a wrong path', { fault: { kind: 'resource_not_found' } }, /wrong form/],
    ['a page', { fault: { kind: 'html' } }, /not of its API/],
    ['a redirect', { fault: { kind: 'redirect' } }, /redirect/],
    ['a bad day', { fault: { kind: 'server_error' } }, /Azure itself failed/],
    ['a clock that is wrong', { date: now - 900 }, /FAIL +clock +900 s ahead/],
  ])('finds %s, and says what to do', async (_name, world, says) => {
    const { text, isWell } = await visit(world)
    expect(text.replace(/\s+/g, ' ')).toMatch(says)
    expect(isWell).toBe(false)
    expect(text).not.toContain(key)
  })

  it('finds a certificate that is not where the setting says', async () => {
    const { text, isWell } = await visit({
      env: {
        AZURE_OPENAI_API_KEY: '',
        AZURE_TENANT_ID: 't',
        AZURE_CLIENT_ID: 'c',
        AZURE_CLIENT_CERTIFICATE_PATH: '/nowhere/app.pem',
      },
    })
    expect(text.replace(/\s+/g, ' ')).toMatch(
      /FAIL +credential .*AZURE_CLIENT_CERTIFICATE_PATH could not be read.*> Set AZURE_CLIENT_CERTIFICATE_PATH to a file/,
    )
    expect(isWell).toBe(false)
  })

  it('finds an app that Entra ID refuses', async () => {
    const { text, isWell } = await visit({
      env: {
        AZURE_OPENAI_API_KEY: '',
        AZURE_TENANT_ID: 't',
        AZURE_CLIENT_ID: 'c',
        AZURE_CLIENT_SECRET: 'hush',
      },
      token: () =>
        Response.json(
          { error: 'invalid_client', error_description: 'AADSTS7000222: hush' },
          { status: 401 },
        ),
    })
    expect(text.replace(/\s+/g, ' ')).toMatch(
      /FAIL +credential .*AADSTS7000222.*> The client secret has expired/,
    )
    expect(text).not.toContain('hush')
    expect(isWell).toBe(false)
  })

  it('takes a list that times out for no failure while containers answer', async () => {
    const fault = { kind: 'timeout', match: { path: '*/containers' } }
    const { text, isWell } = await visit({ fault })
    expect(text.replace(/\s+/g, ' ')).toContain('answers, though it lists no containers')
    expect(isWell).toBe(true)
  })

  it('leads from a dated version to the path that answers', async () => {
    const env = { AZURE_OPENAI_API_VERSION: '2025-03-01-preview' }
    const { text, isWell } = await visit({ env })
    expect(text.replace(/\s+/g, ' ')).toMatch(
      /FAIL dated path .* - v1 path answers > Unset AZURE_OPENAI_API_VERSION\./,
    )
    expect(isWell).toBe(false)
  })

  it('examines every upstream of a list', async () => {
    const entry = (name: string, path = '') => ({
      name,
      endpoint: `http://emulator.localhost${path}`,
      api_key: key,
    })
    const list = JSON.stringify([entry('east'), entry('west', '/api/projects/p')])
    const { text } = await visit({
      env: { AZURE_OPENAI_ENDPOINT: '', AZURE_OPENAI_API_KEY: '', CFILE_UPSTREAMS: list },
    })
    expect(text).toContain('Upstream east: resource')
    expect(text).toContain('Upstream west: project')
    expect(text).toMatch(/ok +project path.*\n.*\n {2}- +dated path.*\n {2}- +v1 path/)
  })

  it('fits a narrow terminal', async () => {
    const { text } = await visit({ fault: { kind: 'rbac' } }, 60)
    const widest = Math.max(
      ...text
        .split('\n')
        .filter((line) => !/http/.test(line))
        .map(({ length }) => length),
    )
    expect(widest).toBeLessThanOrEqual(60)
  })
})
