/**
 * Values that people write into the settings of the upstream, and the messages about wrong ones.
 */

import { describe, expect, it } from 'vitest'
import { isCfileError } from '../../../src/index.ts'
import { parseEnv } from '../../../src/start/settings/settings.ts'

type Env = Record<string, unknown>

const AZURE_OPENAI_ENDPOINT = 'https://res.openai.azure.com'
const app = { AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client' }

function kindsOf(env: Env): string[] {
  return parseEnv(env).upstreams.map(({ credential }) => credential.kind)
}

/** The one line that stops the start. */
function refusal(env: Env): string {
  try {
    parseEnv(env)
  } catch (error) {
    if (isCfileError(error)) {
      expect(error.message).not.toContain('\n')
      expect(error.message).toContain(error.details.param)
      return error.message
    }
    throw error
  }
  throw new Error('It was accepted.')
}

describe('signing in', () => {
  it.each<[string, Env]>([
    ['api key', { AZURE_OPENAI_API_KEY: 'key' }],
    ['api key', { AZURE_OPENAI_API_KEY: 'key', ...app, AZURE_CLIENT_SECRET: 'secret' }],
    ['client secret', { ...app, AZURE_CLIENT_SECRET: 'secret' }],
    ['client certificate', { ...app, AZURE_CLIENT_CERTIFICATE_PATH: '/app.pem' }],
    ['client secret', { ...app, AZURE_CLIENT_SECRET: 's', AZURE_CLIENT_CERTIFICATE_PATH: '/p' }],
    ['workload identity', { ...app, AZURE_FEDERATED_TOKEN_FILE: '/token' }],
    [
      'managed identity (app service)',
      { IDENTITY_ENDPOINT: 'http://127.0.0.1:41000/msi/token', IDENTITY_HEADER: 'h' },
    ],
    ['managed identity', {}],
    ['managed identity', app],
  ])('is by %s where the settings say so', (kind, env) => {
    expect(kindsOf({ AZURE_OPENAI_ENDPOINT, ...env })).toEqual([kind])
  })

  it('accepts a hosted agent among several upstreams, with the audience of projects', () => {
    const project = 'https://res.services.ai.azure.com/api/projects/p'
    const agent = `${project}/agents/helper/endpoint/protocols/openai`
    const list = [
      { name: 'main', endpoint: AZURE_OPENAI_ENDPOINT, api_key: 'key' },
      { name: 'agent', endpoint: `${agent}/responses?api-version=v1`, api_key: 'key' },
    ]
    const { upstreams } = parseEnv({ CFILE_UPSTREAMS: JSON.stringify(list) })
    expect(upstreams.map(({ name }) => name)).toEqual(['main', 'agent'])
    expect(upstreams[1]?.endpoint).toMatchObject({
      agent,
      base: `${project}/openai/v1`,
      scope: 'https://ai.azure.com/.default',
    })
  })

  it('requests tokens for the audience of the host, unless AZURE_OPENAI_SCOPE is set', () => {
    const scopeOf = (env: Env) => {
      const endpoint = parseEnv({ AZURE_OPENAI_API_KEY: 'key', ...env }).upstreams[0]?.endpoint
      return typeof endpoint === 'object' ? endpoint.scope : endpoint
    }
    const project = 'https://res.services.ai.azure.us/api/projects/p'
    expect(scopeOf({ AZURE_OPENAI_ENDPOINT })).toBe('https://cognitiveservices.azure.com/.default')
    expect(scopeOf({ AZURE_OPENAI_ENDPOINT: project })).toBe('https://ai.azure.us/.default')
    const AZURE_OPENAI_SCOPE = 'https://ai.azure.com/.default'
    expect(scopeOf({ AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_SCOPE })).toBe(AZURE_OPENAI_SCOPE)
  })

  it.each<[string, Env]>([
    ['AZURE_TENANT_ID', { AZURE_CLIENT_ID: 'c', AZURE_CLIENT_SECRET: 'hush' }],
    ['AZURE_CLIENT_ID', { AZURE_TENANT_ID: 't', AZURE_CLIENT_SECRET: 'hush' }],
    ['AZURE_CLIENT_ID', { AZURE_TENANT_ID: 't', AZURE_FEDERATED_TOKEN_FILE: '/token' }],
    ['AZURE_TENANT_ID', { AZURE_CLIENT_ID: 'c', AZURE_CLIENT_CERTIFICATE_PATH: '/app.pem' }],
    ['AZURE_TENANT_ID', { ...app, AZURE_TENANT_ID: 'a/b', AZURE_CLIENT_SECRET: 'hush' }],
    [
      'AZURE_AUTHORITY_HOST',
      { ...app, AZURE_CLIENT_SECRET: 'hush', AZURE_AUTHORITY_HOST: 'http://login.example' },
    ],
    ['IDENTITY_ENDPOINT', { IDENTITY_ENDPOINT: 'nowhere', IDENTITY_HEADER: 'hush' }],
    ['AZURE_POD_IDENTITY_AUTHORITY_HOST', { AZURE_POD_IDENTITY_AUTHORITY_HOST: 'nowhere' }],
  ])('by half or wrongly stops the start and names %s', (name, env) => {
    const message = refusal({ AZURE_OPENAI_ENDPOINT, ...env })
    expect(message).toContain(name)
    expect(message).not.toContain('hush')
  })

  it('with a key but no endpoint stops the start', () => {
    expect(refusal({ AZURE_OPENAI_API_KEY: 'hush' })).toBe(
      'AZURE_OPENAI_API_KEY is set, but AZURE_OPENAI_ENDPOINT is not: set the URL of the resource that the key belongs to.',
    )
  })

  it('to the archive is by the same identity, and asked for only where the archive has no key', () => {
    const CFILE_ARCHIVE = 'azblob:https://acct.blob.core.windows.net/files'
    const env = { ...app, AZURE_CLIENT_SECRET: 's', CFILE_ARCHIVE }
    expect(parseEnv(env).identity?.kind).toBe('client secret')
    expect(parseEnv({ ...env, AZURE_STORAGE_KEY: 'a2V5' }).identity).toBeUndefined()
    expect(parseEnv({ ...env, CFILE_ARCHIVE: `${CFILE_ARCHIVE}?sig=x` }).identity).toBeUndefined()
    expect(refusal({ CFILE_ARCHIVE, AZURE_CLIENT_SECRET: 'hush' })).toContain('AZURE_TENANT_ID')
  })

  it('accepts an authority on this machine without https, for tests', () => {
    const env = { ...app, AZURE_CLIENT_SECRET: 's', AZURE_AUTHORITY_HOST: 'http://127.0.0.1:9/' }
    expect(kindsOf({ AZURE_OPENAI_ENDPOINT, ...env })).toEqual(['client secret'])
  })
})

describe('a wrong endpoint', () => {
  it.each([
    'http://res.openai.azure.com',
    'https://res.openai.azure.com.evil.example',
    'https://evil.example/res.openai.azure.com',
    'https://user:hush@res.openai.azure.com',
    'https://res.openai.azure.com:8443',
    'https://evilopenai.azure.com@evil.example',
    'ftp://res.openai.azure.com',
    'res.openai.azure.com',
    'https://evil.example/?code=hush',
  ])('stops the start: %s', (endpoint) => {
    const message = refusal({ AZURE_OPENAI_ENDPOINT: endpoint, AZURE_OPENAI_API_KEY: 'hush' })
    expect(message).toMatch(/^AZURE_OPENAI_ENDPOINT got ".+", which .+; it takes a URL such as/)
    expect(message).not.toContain('hush')
  })
})

describe('several upstreams', () => {
  const entry = (more: object = {}) => ({ name: 'east', endpoint: AZURE_OPENAI_ENDPOINT, ...more })
  const listed = (...entries: unknown[]): Env => ({ CFILE_UPSTREAMS: JSON.stringify(entries) })

  it('keep their order, each with its own fields', () => {
    const { upstreams } = parseEnv({
      ...app,
      AZURE_CLIENT_SECRET: 'secret of all',
      ...listed(
        entry({ api_key: 'k', models: ['gpt-4.1'], weight: 2.5, api_version: 'preview' }),
        entry({ name: 'west', endpoint: 'https://west.services.ai.azure.com/api/projects/p' }),
        entry({
          name: 'own',
          tenant_id: 't',
          client_id: 'c',
          client_secret: 's',
          scope: 'x/.default',
        }),
      ),
    })
    expect(upstreams).toMatchObject([
      {
        name: 'east',
        models: ['gpt-4.1'],
        weight: 2.5,
        endpoint: { apiVersion: 'preview' },
        credential: { kind: 'api key' },
      },
      { name: 'west', endpoint: { kind: 'project' }, credential: { kind: 'client secret' } },
      { name: 'own', endpoint: { scope: 'x/.default' }, credential: { kind: 'client secret' } },
    ])
  })

  it('may be a list as it is, as wrangler.toml can write it', () => {
    expect(parseEnv({ CFILE_UPSTREAMS: [entry({ api_key: 'k' })] }).upstreams.length).toBe(1)
  })

  it.each<[string, RegExp]>([
    ['{', /no JSON list/],
    ['{}', /no JSON list/],
    ['[]', /no JSON list/],
    ['[1]', /no object as entry 1/],
    [
      JSON.stringify([entry(), entry({ name: 'west', apikey: 'hush' })]),
      /unknown field "apikey" in entry 2 \("west"\)/,
    ],
    [JSON.stringify([{ endpoint: AZURE_OPENAI_ENDPOINT }]), /no "name" in entry 1;/],
    [JSON.stringify([{ name: 'east' }]), /no "endpoint" in entry 1 \("east"\)/],
    [JSON.stringify([entry({ api_key: 5 })]), /wrong "api_key" in entry 1/],
    [JSON.stringify([entry({ weight: 0 })]), /wrong "weight"/],
    [JSON.stringify([entry({ weight: '2' })]), /wrong "weight"/],
    [JSON.stringify([entry({ models: 'gpt' })]), /wrong "models"/],
    [JSON.stringify([entry({ name: 'a b' })]), /wrong "name"/],
    [JSON.stringify([entry({ api_version: 'v2' })]), /wrong "api_version"/],
    [JSON.stringify([entry(), entry()]), /name of entry 2 \("east"\) twice/],
    [
      JSON.stringify([entry({ endpoint: 'https://evil.example' })]),
      /"endpoint" of entry 1 \("east"\) got "https:\/\/evil.example", which/,
    ],
    [JSON.stringify([entry({ client_secret: 'hush' })]), /AZURE_TENANT_ID/],
  ])('that are wrong stop the start and name the entry: %s', (list, says) => {
    const message = refusal({ CFILE_UPSTREAMS: list })
    expect(message).toMatch(says)
    expect(message).not.toContain('hush')
  })

  it('cannot be combined with the settings of a single upstream, which would be ambiguous', () => {
    expect(refusal({ ...listed(entry()), AZURE_OPENAI_ENDPOINT })).toContain(
      'AZURE_OPENAI_ENDPOINT',
    )
    const withKey = refusal({ ...listed(entry()), AZURE_OPENAI_API_KEY: 'hush' })
    expect(withKey).toContain('AZURE_OPENAI_API_KEY')
    expect(withKey).not.toContain('hush')
  })
})
