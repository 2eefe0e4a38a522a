import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { diagnose } from '../../src/cli/diagnosis.ts'
import { formatDiagnosis } from '../../src/cli/doctor.ts'
import type { WaitSignal } from '../../src/core/time.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { openStorage } from '../../src/node.ts'
import { parseEnv } from '../../src/start/settings/settings.ts'
import { json } from '../lib/harness.ts'
import { createIssuer } from '../lib/tokens.ts'

const key = 'a-secret-key'
const resource = {
  AZURE_OPENAI_ENDPOINT: 'http://emulator.localhost',
  AZURE_OPENAI_API_KEY: key,
  CFILE_SIGNING_KEYS: 'k1:9f2c4be07a61d83f5512c0e4ab97d36e',
}
const now = 1_790_000_000

interface World {
  readonly env?: Record<string, string>
  readonly fault?: object
  /** Of Entra ID. */
  readonly token?: (form: URLSearchParams) => Response
  readonly date?: number
  /** The answer of the issuer of callers' tokens. */
  readonly keySet?: () => Response
}

async function visit(
  { env = {}, fault, token, date = now, keySet = () => Response.error() }: World = {},
  width = 100,
) {
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
      if (request.url.startsWith('https://issuer.example/')) return keySet()
      if (request.url.includes('/oauth2/')) {
        return token?.(new URLSearchParams(await request.text())) ?? Response.error()
      }
      const answer = await emulator.fetch(request)
      const headers = new Headers(answer.headers)
      headers.set('date', new Date(date * 1000).toUTCString())
      return new Response(answer.body, { status: answer.status, headers })
    },
  }
  const diagnosis = await diagnose(all, runtime)
  const text = `${formatDiagnosis(diagnosis, width, (_, part) => part)}\n`
  return { text, isWell: diagnosis.isWell }
}

function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2lnbmF0dXJl`
}

describe('cfile doctor', () => {
  it('reminds users of a remote gateway that it checks this machine', async () => {
    const { text, isWell } = await visit({ env: { CFILE_URL: 'https://files.example.com' } })
    expect(text.replace(/\s+/g, ' ')).toContain('CFILE_URL is for the other commands')
    expect(isWell).toBe(true)
  })

  it('finds no fault in a working configuration, and prints a readable table', async () => {
    const { text, isWell } = await visit()
    expect(text.replace(/in \/\S+:/, 'in FOLDER:')).toBe(`Settings
  ok    settings  read

Upstream default: resource http://emulator.localhost/openai/v1
  ok    credential  api key
  ok    v1 path     http://emulator.localhost/openai/v1 answers
  ok    role        may read containers
  -     dated path  does not answer; not needed
  ok    clock       0 s ahead of the upstream's

Callers
  -     callers  no authentication: all requests are of one owner

Store and archive
  ok    store    sqlite in FOLDER: written, read and erased
  -     archive  off: files are lost when their container expires

All is well.
`)
    expect(isWell).toBe(true)
  })

  const agent = 'http://emulator.localhost/api/projects/p/agents/helper/endpoint/protocols/openai'

  it('tries a hosted agent at its own address, and the containers of its project', async () => {
    const { text, isWell } = await visit({ env: { AZURE_OPENAI_ENDPOINT: agent } }, 200)
    expect(text).toContain(`Upstream default: hosted agent ${agent}\n`)
    expect(text).toMatch(
      /ok +project path +http:\/\/emulator\.localhost\/api\/projects\/p\/openai\/v1 answers/,
    )
    expect(text).toContain(`ok    hosted agent  ${agent} answers`)
    expect(isWell).toBe(true)
  })

  it('says that a hosted agent does not answer, among several upstreams', async () => {
    const upstreams = [
      { name: 'one', endpoint: 'http://emulator.localhost', api_key: key },
      { name: 'two', endpoint: agent, api_key: key },
    ]
    const { text, isWell } = await visit({
      env: {
        AZURE_OPENAI_ENDPOINT: '',
        AZURE_OPENAI_API_KEY: '',
        CFILE_UPSTREAMS: JSON.stringify(upstreams),
      },
      fault: { kind: 'resource_not_found', match: { path: '/protocols/openai/responses' } },
    })
    expect(text).toContain(`Upstream two: hosted agent ${agent}\n`)
    expect(text).toMatch(/FAIL +hosted agent/)
    expect(isWell).toBe(false)
  })

  it('shows the audience and the expiry of a token, and neither the token nor the secret', async () => {
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
      'token audience https://cognitiveservices.azure.com, tenant the-tenant, app the-app, expires in 60 min',
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
    ['a wrong key', { fault: { kind: 'wrong_key' } }, /FAIL +v1 path.*key of the resource/],
    ['disabled keys', { fault: { kind: 'key_disabled' } }, /Unset AZURE_OPENAI_API_KEY/],
    ['a missing role', { fault: { kind: 'rbac' } }, /FAIL +role.*Cognitive Services OpenAI User/],
    ['a wrong audience', { fault: { kind: 'wrong_audience' } }, /unset AZURE_OPENAI_SCOPE/],
    [
      'a firewall',
      { fault: { kind: 'firewall' } },
      /In the firewall of the account \(Networking\)/,
    ],
    ['a wrong path', { fault: { kind: 'resource_not_found' } }, /wrong form/],
    ['a page', { fault: { kind: 'html' } }, /does not follow its API/],
    ['a redirect', { fault: { kind: 'redirect' } }, /redirect/],
    ['a bad day', { fault: { kind: 'server_error' } }, /Azure itself failed/],
    ['a clock that is wrong', { date: now - 900 }, /FAIL +clock +900 s ahead/],
  ])('finds %s, and says what to do', async (_name, world, says) => {
    const { text, isWell } = await visit(world)
    expect(text.replace(/\s+/g, ' ')).toMatch(says)
    expect(isWell).toBe(false)
    expect(text).not.toContain(key)
  })

  const jwks = { CFILE_JWKS_URL: 'https://issuer.example/keys' }
  const beyond = { HOST: '0.0.0.0', CFILE_ALLOW_ANONYMOUS: '1' }

  it.each<[string, World, RegExp]>([
    [
      'links that do not work',
      { env: beyond },
      /FAIL settings HOST is 0\.0\.0\.0.*CFILE_PUBLIC_URL/,
    ],
    [
      'a secret of webhooks',
      { env: { CFILE_WEBHOOK_SECRETS: 'hush' } },
      /FAIL settings CFILE_WEBHOOK/,
    ],
    [
      'a database',
      { env: { CFILE_STORE: 'sqlite:/dev/null/x.db' } },
      /FAIL settings CFILE_STORE is/,
    ],
    [
      'a Redis that is not there',
      { env: { CFILE_STORE: 'redis://:hush@127.0.0.1:1' } },
      /FAIL store .*ECONNREFUSED.* > Check host, port and redis: or rediss: in CFILE_STORE/,
    ],
    [
      'a folder that can’t be written',
      { env: { CFILE_ARCHIVE: 'fs:/dev/null/archive' } },
      /FAIL archive .*at \w+ with ENOTDIR.* > Check that the folder of CFILE_ARCHIVE can be written/,
    ],
    [
      'a page in place of keys',
      { env: jwks, keySet: () => new Response('<html>') },
      /FAIL tokens .*CFILE_JWKS_URL.*not a JSON Web Key Set.* > Set CFILE_JWKS_URL to the jwks_uri/,
    ],
    ['no keys', { env: jwks, keySet: () => new Response('', { status: 404 }) }, /FAIL.*status 404/],
    ['useless keys', { env: jwks, keySet: () => Response.json({ keys: [] }) }, /no key for RS256/],
  ])('finds %s, and names the setting', async (_name, world, says) => {
    const { text, isWell } = await visit(world)
    expect(text.replace(/\s+/g, ' ')).toMatch(says)
    expect(isWell).toBe(false)
    expect(text).not.toContain('hush')
  })

  it('tries store, archive and keys, and removes its probes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cfile-'))
    const { jwk } = await createIssuer('ES256', 'one')
    const env = {
      ...jwks,
      CFILE_API_KEYS: 'ann:a-key-of-ann-for-tests',
      CFILE_DATA_DIR: folder,
      CFILE_ARCHIVE: `fs:${join(folder, 'archive')}`,
    }
    const { text, isWell } = await visit({ env, keySet: () => Response.json({ keys: [jwk] }) })
    expect(text).toContain('ok    tokens  keys at CFILE_JWKS_URL: 1')
    expect(text).toContain('ok    archive  fs: written, read and erased')
    expect(isWell).toBe(true)
    const { store, archive, close } = await openStorage(parseEnv({ ...resource, ...env }))
    expect(await store.list('')).toEqual([])
    for await (const { key } of archive?.list() ?? []) expect.unreachable(key)
    await close()
  })

  it('finds a certificate file that does not exist', async () => {
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

  it('accepts a list that times out when containers answer', async () => {
    const fault = { kind: 'timeout', match: { path: '*/containers' } }
    const { text, isWell } = await visit({ fault })
    expect(text.replace(/\s+/g, ' ')).toContain('answers, though it lists no containers')
    expect(isWell).toBe(true)
  })

  it('suggests the path that answers for a dated api-version', async () => {
    const env = { AZURE_OPENAI_API_VERSION: '2025-03-01-preview' }
    const { text, isWell } = await visit({ env })
    expect(text.replace(/\s+/g, ' ')).toMatch(
      /FAIL dated path .* - v1 path answers > Unset AZURE_OPENAI_API_VERSION\./,
    )
    expect(isWell).toBe(false)
  })

  it('checks every upstream of a list', async () => {
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
