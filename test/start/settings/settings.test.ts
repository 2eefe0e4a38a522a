import { describe, expect, it } from 'vitest'
import { parseEnv } from '../../../src/start/settings/settings.ts'

describe('a wrong setting', () => {
  it.each([
    [{ AZURE_STORAGE_KEY: 'no base64!' }, 'AZURE_STORAGE_KEY', 'masked'],
    [{ CFILE_PUBLIC_URL: 'ftp://files.example' }, 'CFILE_PUBLIC_URL', '"ftp://files.example"'],
    [
      { CFILE_PUBLIC_URL: 'https://me:pass@files.example?a=b' },
      'CFILE_PUBLIC_URL',
      '"https://…@files.example?…"',
    ],
    [
      { CFILE_ALLOWED_HOSTS: 'https://apim.example' },
      'CFILE_ALLOWED_HOSTS',
      '"https://apim.example"',
    ],
    [{ CFILE_ALLOWED_HOSTS: 'apim.example other.example' }, 'CFILE_ALLOWED_HOSTS', 'host names'],
    [{ AZURE_OPENAI_API_KEY: 'first pass' }, 'AZURE_OPENAI_API_KEY', 'masked'],
    [{ AZURE_OPENAI_API_KEY: 'first\npass' }, 'AZURE_OPENAI_API_KEY', 'masked'],
    [
      {
        CFILE_UPSTREAMS: '[{"name":"one","endpoint":"https://x.openai.azure.com","api_key":"pä"}]',
      },
      'CFILE_UPSTREAMS',
      'a wrong "api_key" in entry 1',
    ],
    [{ CFILE_SHUTDOWN_DELAY_MS: '5s' }, 'CFILE_SHUTDOWN_DELAY_MS', 'a number of milliseconds'],
    [{ CFILE_JWT_ISSUER: 'https://login.example' }, 'CFILE_JWT_ISSUER', 'CFILE_JWKS_URL is not'],
    [
      { CFILE_JWT_OWNER_CLAIM: 'oid', CFILE_API_KEYS: 'ann:a-key-of-ann-for-tests' },
      'CFILE_JWT_OWNER_CLAIM',
      'CFILE_JWKS_URL is not',
    ],
  ])('%o is named in one line, with what it got and no secret', (env, name, got) => {
    const message = messageOf(() => parseEnv(env))
    expect(message).toContain(name)
    expect(message).toContain(got)
    expect(message).not.toMatch(/\n|base64!|pass/)
  })
})

describe('the allowed hosts', () => {
  it.each(['apim.example', 'a.example, b.example:8443', '[fd00::1]:443', 'localhost'])(
    'are names of hosts, with or without a port: %s',
    (value) => expect(() => parseEnv({ CFILE_ALLOWED_HOSTS: value })).not.toThrow(),
  )
})

describe('a valid setting that is probably wrong', () => {
  const warnings = (env: Record<string, unknown>) => parseEnv(env).warnings

  it('is warned about if its name is unknown, with the most similar name', () => {
    expect(warnings({ CFILE_API_KEY: 'ann:a-key-of-ann-for-tests' })).toEqual([
      'CFILE_API_KEY is set, but cfile has no such setting and ignores it. Did you mean CFILE_API_KEYS?',
    ])
    expect(warnings({ CFILE_XYZ: '1' })).toEqual([
      'CFILE_XYZ is set, but cfile has no such setting and ignores it.',
    ])
    expect(warnings({ CFILE_PORT: '80' })[0]).toMatch(/Did you mean PORT\?$/)
  })

  it('is not warned about if Kubernetes or a binding set it', () => {
    const kubernetes = {
      CFILE_SERVICE_HOST: '10.0.0.1',
      CFILE_SERVICE_PORT: '80',
      CFILE_SERVICE_PORT_HTTP: '80',
      CFILE_PORT: 'tcp://10.0.0.1:80',
      CFILE_PORT_80_TCP: 'tcp://10.0.0.1:80',
      CFILE_PORT_80_TCP_PROTO: 'tcp',
    }
    expect(warnings({ ...kubernetes, CFILE_URL: 'http://x', CFILE_KEY: 'k' })).toEqual([])
    expect(warnings({ CFILE_DB: { prepare() {} }, CFILE_EMPTY: '' })).toEqual([])
  })

  it('is warned about if its secret can be guessed, without the secret', () => {
    const found = warnings({
      CFILE_API_KEYS: `ann:kx7Qp2mVz9Lr4Tn8,bob:${'b'.repeat(20)}`,
      CFILE_SIGNING_KEYS: `one:${'s'.repeat(32)}`,
    })
    expect(found).toEqual([
      expect.stringMatching(/^CFILE_API_KEYS: the key of entry 2 is easy to guess/),
      expect.stringMatching(/^CFILE_SIGNING_KEYS: the secret of entry 1 is easy to guess/),
    ])
    expect(found.join()).not.toMatch(/bbb|sss|kx7/)
  })
})

function messageOf(parse: () => unknown): string {
  try {
    parse()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('It was accepted.')
}
