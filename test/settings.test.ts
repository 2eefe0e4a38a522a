import { describe, expect, it } from 'vitest'
import { parseEnv } from '../src/settings.ts'

describe('a wrong setting', () => {
  it.each([
    [{ AZURE_STORAGE_KEY: 'no base64!' }, 'AZURE_STORAGE_KEY', 'masked'],
    [{ CFILE_PUBLIC_URL: 'ftp://files.example' }, 'CFILE_PUBLIC_URL', '"ftp://files.example"'],
    [
      { CFILE_PUBLIC_URL: 'https://me:pass@files.example?a=b' },
      'CFILE_PUBLIC_URL',
      '"https://…@files.example?…"',
    ],
    [{ CFILE_JWT_ISSUER: 'https://login.example' }, 'CFILE_JWT_ISSUER', 'CFILE_JWKS_URL is not'],
    [
      { CFILE_JWT_OWNER_CLAIM: 'oid', CFILE_API_KEYS: 'ann:key' },
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

function messageOf(parse: () => unknown): string {
  try {
    parse()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('It was taken.')
}
