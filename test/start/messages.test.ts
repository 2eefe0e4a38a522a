/**
 * Every message for a wrong setting, as an operator reads it.
 */

import { expect, it } from 'vitest'
import { parseEnv } from '../../src/start/settings/settings.ts'

type Env = Record<string, unknown>

const endpoint = 'https://res.openai.azure.com'
const app = { AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client' }
const entry = { name: 'one', endpoint, api_key: 'hush-hush' }

/** The message of each refusal, and the setting that it is about. */
function messages(envs: readonly Env[]): string {
  return envs
    .map((env) => {
      try {
        parseEnv(env)
      } catch (error) {
        const { message, details } = error as Error & { details: { param: string } }
        expect(message).not.toMatch(/\n|hush/)
        return `${details.param}: ${message}`
      }
      return `accepted: ${JSON.stringify(env)}`
    })
    .join('\n')
}

it('says what a setting got and what it takes', () => {
  const wrong = [
    'AZURE_OPENAI_API_VERSION=2024',
    'AZURE_TENANT_ID=a/b',
    'AZURE_CLIENT_ID=a b',
    'CFILE_ALLOW_ANONYMOUS=yes',
    'CFILE_CAPTURES=some',
    'CFILE_TRUST_UNRECORDED=true',
    'CFILE_CORS_ORIGINS=https://app.example/',
    'CFILE_MAX_REQUESTS_PER_MINUTE=0',
    'CFILE_MAX_DOWNLOADS=-1',
    'CFILE_MAX_DOWNLOAD_BYTES_PER_HOUR=1e3',
    'CFILE_LINK_TTL=1h',
    'CFILE_LINK_TTL=999999999999',
    'CFILE_LINKS=yes',
    'CFILE_SWEEP=2',
    'CFILE_HEAL=on',
    'CFILE_INLINE_IMAGES=no',
    'CFILE_ARCHIVE_MODE=never',
    'CFILE_ARCHIVE_CONCURRENCY=0',
    'CFILE_ARCHIVE_CONCURRENCY=1001',
    'CFILE_ARCHIVE_TTL=-1',
    'AZURE_STORAGE_KEY=hush!',
    'CFILE_MAX_FILE_BYTES=1GB',
    'CFILE_MAX_BODY_BYTES=0',
    'CFILE_UPSTREAM_TIMEOUT_MS=0',
    'CFILE_GENERATION_TIMEOUT_MS=86400001',
    'CFILE_IDLE_TIMEOUT_MS=1m',
    'CFILE_STREAM_IDLE_TIMEOUT_MS=1.5',
    'CFILE_SHUTDOWN_TIMEOUT_MS=x',
    'CFILE_SHUTDOWN_DELAY_MS=5s',
    'CFILE_ACCESS_LOG=no',
    'PORT=65536',
    'PORT=http',
    'LOG_LEVEL=verbose',
    'LOG_FORMAT=text',
    `LOG_FORMAT=${'x'.repeat(200)}`,
  ]
  const envs = wrong.map((line) => {
    const [name = '', value] = line.split(/=(.*)/s)
    return { [name]: value }
  })
  expect(messages(envs)).toMatchInlineSnapshot(`
    "AZURE_OPENAI_API_VERSION: AZURE_OPENAI_API_VERSION got "2024", but takes v1, preview or a date such as 2025-04-01-preview.
    AZURE_TENANT_ID: AZURE_TENANT_ID got "a/b", but takes the id of a tenant.
    AZURE_CLIENT_ID: AZURE_CLIENT_ID got "a b", but takes the id of an app or of a user-assigned identity.
    CFILE_ALLOW_ANONYMOUS: CFILE_ALLOW_ANONYMOUS got "yes", but takes 1 or 0.
    CFILE_CAPTURES: CFILE_CAPTURES got "some", but takes any or response_id.
    CFILE_TRUST_UNRECORDED: CFILE_TRUST_UNRECORDED got "true", but takes 1 or 0.
    CFILE_CORS_ORIGINS: CFILE_CORS_ORIGINS got "https://app.example/", but takes origins such as https://app.example with commas between them, or *.
    CFILE_MAX_REQUESTS_PER_MINUTE: CFILE_MAX_REQUESTS_PER_MINUTE got "0", but takes a number of requests.
    CFILE_MAX_DOWNLOADS: CFILE_MAX_DOWNLOADS got "-1", but takes a number of downloads.
    CFILE_MAX_DOWNLOAD_BYTES_PER_HOUR: CFILE_MAX_DOWNLOAD_BYTES_PER_HOUR got "1e3", but takes a number of bytes.
    CFILE_LINK_TTL: CFILE_LINK_TTL got "1h", but takes a number of seconds.
    CFILE_LINK_TTL: CFILE_LINK_TTL got "999999999999", but takes a number of seconds.
    CFILE_LINKS: CFILE_LINKS got "yes", but takes off, annotate or rewrite.
    CFILE_SWEEP: CFILE_SWEEP got "2", but takes 1 or 0.
    CFILE_HEAL: CFILE_HEAL got "on", but takes 1 or 0.
    CFILE_INLINE_IMAGES: CFILE_INLINE_IMAGES got "no", but takes keep or link.
    CFILE_ARCHIVE_MODE: CFILE_ARCHIVE_MODE got "never", but takes eager or lazy.
    CFILE_ARCHIVE_CONCURRENCY: CFILE_ARCHIVE_CONCURRENCY got "0", but takes a number of copies.
    CFILE_ARCHIVE_CONCURRENCY: CFILE_ARCHIVE_CONCURRENCY got "1001", but takes a number of copies.
    CFILE_ARCHIVE_TTL: CFILE_ARCHIVE_TTL got "-1", but takes a number of seconds, 0 for ever.
    AZURE_STORAGE_KEY: AZURE_STORAGE_KEY got a value (masked), but takes a key of the storage account, in base64.
    CFILE_MAX_FILE_BYTES: CFILE_MAX_FILE_BYTES got "1GB", but takes a number of bytes.
    CFILE_MAX_BODY_BYTES: CFILE_MAX_BODY_BYTES got "0", but takes a number of bytes.
    CFILE_UPSTREAM_TIMEOUT_MS: CFILE_UPSTREAM_TIMEOUT_MS got "0", but takes a number of milliseconds.
    CFILE_GENERATION_TIMEOUT_MS: CFILE_GENERATION_TIMEOUT_MS got "86400001", but takes a number of milliseconds.
    CFILE_IDLE_TIMEOUT_MS: CFILE_IDLE_TIMEOUT_MS got "1m", but takes a number of milliseconds.
    CFILE_STREAM_IDLE_TIMEOUT_MS: CFILE_STREAM_IDLE_TIMEOUT_MS got "1.5", but takes a number of milliseconds.
    CFILE_SHUTDOWN_TIMEOUT_MS: CFILE_SHUTDOWN_TIMEOUT_MS got "x", but takes a number of milliseconds.
    CFILE_SHUTDOWN_DELAY_MS: CFILE_SHUTDOWN_DELAY_MS got "5s", but takes a number of milliseconds.
    CFILE_ACCESS_LOG: CFILE_ACCESS_LOG got "no", but takes 1 or 0.
    PORT: PORT got "65536", but takes a port, 0 to 65535.
    PORT: PORT got "http", but takes a port, 0 to 65535.
    LOG_LEVEL: LOG_LEVEL got "verbose", but takes debug, info, warn, error or silent.
    LOG_FORMAT: LOG_FORMAT got "text", but takes json or pretty.
    LOG_FORMAT: LOG_FORMAT got "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", but takes json or pretty."
  `)
})

it('says what is wrong with an endpoint, a URL and a list of secrets', () => {
  expect(
    messages([
      { AZURE_OPENAI_ENDPOINT: 'res' },
      { AZURE_OPENAI_ENDPOINT: 'http://res.openai.azure.com' },
      { AZURE_OPENAI_ENDPOINT: 'https://apim.example' },
      { AZURE_OPENAI_ENDPOINT: 'https://me:hush@res.openai.azure.com' },
      { CFILE_PUBLIC_URL: 'ftp://files.example' },
      { CFILE_PUBLIC_URL: 'https://me:hush@files.example?a=b' },
      { CFILE_JWKS_URL: 'http://login.example/keys' },
      { CFILE_JWKS_URL: 'keys' },
      { CFILE_API_KEYS: 'hush-hush-hush-hush' },
      { CFILE_API_KEYS: 'ann:' },
      { CFILE_API_KEYS: 'ann:hush' },
      { CFILE_API_KEYS: 'ann:hush hush hush hush' },
      { CFILE_API_KEYS: 'ann:hush-hush-hush-hush,bob:hush-hush-hush-hush' },
      { CFILE_SIGNING_KEYS: 'hush' },
      { CFILE_SIGNING_KEYS: 'k:hush' },
      { CFILE_SIGNING_KEYS: `k k:${'hush'.repeat(9)}` },
      { CFILE_SIGNING_KEYS: `k:${'hush'.repeat(9)},k:${'hush'.repeat(9)}` },
    ]),
  ).toMatchInlineSnapshot(`
    "AZURE_OPENAI_ENDPOINT: AZURE_OPENAI_ENDPOINT got "res", which is not a URL; it takes a URL such as https://RES.openai.azure.com or https://RES.services.ai.azure.com/api/projects/P.
    AZURE_OPENAI_ENDPOINT: AZURE_OPENAI_ENDPOINT got "http://res.openai.azure.com", which is not https; it takes a URL such as https://RES.openai.azure.com or https://RES.services.ai.azure.com/api/projects/P.
    AZURE_OPENAI_ENDPOINT: AZURE_OPENAI_ENDPOINT got "https://apim.example", which is on a host that is not one of Azure OpenAI (add the host to CFILE_ALLOWED_HOSTS to allow it); it takes a URL such as https://RES.openai.azure.com or https://RES.services.ai.azure.com/api/projects/P.
    AZURE_OPENAI_ENDPOINT: AZURE_OPENAI_ENDPOINT got "https://…@res.openai.azure.com", which contains a user name or password; it takes a URL such as https://RES.openai.azure.com or https://RES.services.ai.azure.com/api/projects/P.
    CFILE_PUBLIC_URL: CFILE_PUBLIC_URL got "ftp://files.example", but takes an http or https URL of plain characters, without user, query and fragment.
    CFILE_PUBLIC_URL: CFILE_PUBLIC_URL got "https://…@files.example?…", but takes an http or https URL of plain characters, without user, query and fragment.
    CFILE_JWKS_URL: CFILE_JWKS_URL got "http://login.example/keys", but takes an https URL without user name and password, or an http one on loopback.
    CFILE_JWKS_URL: CFILE_JWKS_URL got "keys", but takes an https URL without user name and password, or an http one on loopback.
    CFILE_API_KEYS: CFILE_API_KEYS got a value (masked) whose entry 1 has no name before a ":"; it takes owner:key,owner2:key2 with each key once and of 16 characters or more, no colon in an owner and no comma in a key.
    CFILE_API_KEYS: CFILE_API_KEYS got a value (masked) whose entry 1 has nothing after its ":"; it takes owner:key,owner2:key2 with each key once and of 16 characters or more, no colon in an owner and no comma in a key.
    CFILE_API_KEYS: CFILE_API_KEYS got a value (masked) whose entry 1 has a key of 4 characters; it takes owner:key,owner2:key2 with each key once and of 16 characters or more, no colon in an owner and no comma in a key.
    CFILE_API_KEYS: CFILE_API_KEYS got a value (masked) whose entry 1 has a key that is not printable ASCII without blanks; it takes owner:key,owner2:key2 with each key once and of 16 characters or more, no colon in an owner and no comma in a key.
    CFILE_API_KEYS: CFILE_API_KEYS got a value (masked) whose entry 2 has the key of another; it takes owner:key,owner2:key2 with each key once and of 16 characters or more, no colon in an owner and no comma in a key.
    CFILE_SIGNING_KEYS: CFILE_SIGNING_KEYS got a value (masked) whose entry 1 has no name before a ":"; it takes kid:secret,kid2:secret2, each secret of 32 bytes or more and without a comma.
    CFILE_SIGNING_KEYS: CFILE_SIGNING_KEYS got a value (masked) whose entry 1 has a secret of 4 bytes; it takes kid:secret,kid2:secret2, each secret of 32 bytes or more and without a comma.
    CFILE_SIGNING_KEYS: CFILE_SIGNING_KEYS got a value (masked) whose entry 1 has a kid that is not 1 to 64 of A-Z a-z 0-9 - . _ ~; it takes kid:secret,kid2:secret2, each secret of 32 bytes or more and without a comma.
    CFILE_SIGNING_KEYS: CFILE_SIGNING_KEYS got a value (masked) whose entry 2 has the kid of another; it takes kid:secret,kid2:secret2, each secret of 32 bytes or more and without a comma."
  `)
})

it('says which setting is missing beside another', () => {
  const AZURE_OPENAI_ENDPOINT = endpoint
  expect(
    messages([
      { AZURE_OPENAI_API_KEY: 'hush' },
      { AZURE_OPENAI_ENDPOINT, AZURE_CLIENT_ID: 'c', AZURE_CLIENT_SECRET: 'hush' },
      { AZURE_OPENAI_ENDPOINT, AZURE_TENANT_ID: 't', AZURE_CLIENT_SECRET: 'hush' },
      { AZURE_OPENAI_ENDPOINT, AZURE_TENANT_ID: 't', AZURE_FEDERATED_TOKEN_FILE: '/token' },
      { AZURE_OPENAI_ENDPOINT, AZURE_CLIENT_CERTIFICATE_PATH: '/app.pem' },
      {
        AZURE_OPENAI_ENDPOINT,
        ...app,
        AZURE_CLIENT_SECRET: 'hush',
        AZURE_AUTHORITY_HOST: 'http://me:hush@login.example',
      },
      { AZURE_OPENAI_ENDPOINT, IDENTITY_ENDPOINT: 'nowhere', IDENTITY_HEADER: 'hush' },
      { AZURE_OPENAI_ENDPOINT, AZURE_POD_IDENTITY_AUTHORITY_HOST: 'nowhere' },
      { CFILE_JWT_ISSUER: 'https://login.example' },
      { CFILE_JWT_AUDIENCE: 'cfile' },
      { CFILE_JWT_OWNER_CLAIM: 'oid', CFILE_API_KEYS: 'ann:hush-hush-hush-hush' },
      { CFILE_WEBHOOK_OWNER: 'ann' },
      { CFILE_UPSTREAMS: JSON.stringify([entry]), AZURE_OPENAI_ENDPOINT },
      { CFILE_UPSTREAMS: JSON.stringify([entry]), AZURE_OPENAI_API_KEY: 'hush' },
    ]),
  ).toMatchInlineSnapshot(`
    "AZURE_OPENAI_ENDPOINT: AZURE_OPENAI_API_KEY is set, but AZURE_OPENAI_ENDPOINT is not: set the URL of the resource that the key belongs to.
    AZURE_TENANT_ID: AZURE_CLIENT_SECRET is set, but AZURE_TENANT_ID is not: set both ids of the app.
    AZURE_CLIENT_ID: AZURE_CLIENT_SECRET is set, but AZURE_CLIENT_ID is not: set both ids of the app.
    AZURE_CLIENT_ID: AZURE_FEDERATED_TOKEN_FILE is set, but AZURE_CLIENT_ID is not: set both ids of the app.
    AZURE_TENANT_ID: AZURE_CLIENT_CERTIFICATE_PATH is set, but AZURE_TENANT_ID is not: set both ids of the app.
    AZURE_AUTHORITY_HOST: AZURE_AUTHORITY_HOST got "http://…@login.example", but takes an https URL such as https://login.microsoftonline.com.
    IDENTITY_ENDPOINT: IDENTITY_ENDPOINT got "nowhere", but takes an http or https URL.
    AZURE_POD_IDENTITY_AUTHORITY_HOST: AZURE_POD_IDENTITY_AUTHORITY_HOST got "nowhere", but takes an http or https URL.
    CFILE_JWKS_URL: CFILE_JWT_ISSUER is set, but CFILE_JWKS_URL is not: set the URL of the keys that sign callers' tokens.
    CFILE_JWKS_URL: CFILE_JWT_AUDIENCE is set, but CFILE_JWKS_URL is not: set the URL of the keys that sign callers' tokens.
    CFILE_JWKS_URL: CFILE_JWT_OWNER_CLAIM is set, but CFILE_JWKS_URL is not: set the URL of the keys that sign callers' tokens.
    CFILE_WEBHOOK_SECRETS: CFILE_WEBHOOK_OWNER is set, but CFILE_WEBHOOK_SECRETS is not: set the secret of the webhook endpoint.
    AZURE_OPENAI_ENDPOINT: CFILE_UPSTREAMS and AZURE_OPENAI_ENDPOINT are both set: move AZURE_OPENAI_ENDPOINT into the list, as "endpoint" of an entry, and unset it.
    AZURE_OPENAI_API_KEY: CFILE_UPSTREAMS and AZURE_OPENAI_API_KEY are both set: move AZURE_OPENAI_API_KEY into the list, as "api_key" of an entry, and unset it."
  `)
})

it('says what is wrong with a store or an archive', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'hush' }
  expect(
    messages([
      { CFILE_STORE: 'file.db' },
      { CFILE_STORE: 'sqlite:' },
      { CFILE_STORE: 'memory:x' },
      { CFILE_STORE: 'redis://:hush@' },
      { CFILE_STORE: 'd1:a-b' },
      { CFILE_STORE: 'mongo://hush@host' },
      { CFILE_ARCHIVE: 'on' },
      { CFILE_ARCHIVE: 'fs:' },
      { CFILE_ARCHIVE: 'r2:a-b' },
      { CFILE_ARCHIVE: 'gs://bucket' },
      { CFILE_ARCHIVE: 's3://' },
      { CFILE_ARCHIVE: 's3://bucket?endpoint=http://s3.example', ...keys },
      { CFILE_ARCHIVE: 's3://bucket' },
      { CFILE_ARCHIVE: 's3://bucket', AWS_ACCESS_KEY_ID: 'id' },
      { CFILE_ARCHIVE: 'azblob:http://a.blob.core.windows.net/c?sig=hush' },
      { CFILE_ARCHIVE: 'azblob:https://a.blob.core.windows.net?sig=hush' },
    ]),
  ).toMatchInlineSnapshot(`
    "CFILE_STORE: CFILE_STORE got something without a scheme, but takes memory:, sqlite:PATH, redis://HOST:PORT/DB, d1:BINDING or kv:BINDING.
    CFILE_STORE: CFILE_STORE got "sqlite:" and something that does not fit, but takes memory:, sqlite:PATH, redis://HOST:PORT/DB, d1:BINDING or kv:BINDING.
    CFILE_STORE: CFILE_STORE got "memory:" and something that does not fit, but takes memory:, sqlite:PATH, redis://HOST:PORT/DB, d1:BINDING or kv:BINDING.
    CFILE_STORE: CFILE_STORE got "redis:" and something that does not fit, but takes memory:, sqlite:PATH, redis://HOST:PORT/DB, d1:BINDING or kv:BINDING.
    CFILE_STORE: CFILE_STORE got "d1:" and something that does not fit, but takes memory:, sqlite:PATH, redis://HOST:PORT/DB, d1:BINDING or kv:BINDING.
    CFILE_STORE: CFILE_STORE got "mongo:" and something that does not fit, but takes memory:, sqlite:PATH, redis://HOST:PORT/DB, d1:BINDING or kv:BINDING.
    CFILE_ARCHIVE: CFILE_ARCHIVE got something without a scheme, but takes off, fs:DIR, s3://BUCKET/PREFIX?endpoint=&region=, azblob:https://ACCOUNT.blob.core.windows.net/CONTAINER or r2:BINDING.
    CFILE_ARCHIVE: CFILE_ARCHIVE got "fs:" and something that does not fit, but takes off, fs:DIR, s3://BUCKET/PREFIX?endpoint=&region=, azblob:https://ACCOUNT.blob.core.windows.net/CONTAINER or r2:BINDING.
    CFILE_ARCHIVE: CFILE_ARCHIVE got "r2:" and something that does not fit, but takes off, fs:DIR, s3://BUCKET/PREFIX?endpoint=&region=, azblob:https://ACCOUNT.blob.core.windows.net/CONTAINER or r2:BINDING.
    CFILE_ARCHIVE: CFILE_ARCHIVE got "gs:" and something that does not fit, but takes off, fs:DIR, s3://BUCKET/PREFIX?endpoint=&region=, azblob:https://ACCOUNT.blob.core.windows.net/CONTAINER or r2:BINDING.
    CFILE_ARCHIVE: CFILE_ARCHIVE got an s3: URL without a bucket, but takes off, fs:DIR, s3://BUCKET/PREFIX?endpoint=&region=, azblob:https://ACCOUNT.blob.core.windows.net/CONTAINER or r2:BINDING.
    CFILE_ARCHIVE: CFILE_ARCHIVE got an s3: URL whose endpoint is not https, but takes off, fs:DIR, s3://BUCKET/PREFIX?endpoint=&region=, azblob:https://ACCOUNT.blob.core.windows.net/CONTAINER or r2:BINDING.
    AWS_ACCESS_KEY_ID: CFILE_ARCHIVE is an s3: URL, but AWS_ACCESS_KEY_ID is not set.
    AWS_SECRET_ACCESS_KEY: CFILE_ARCHIVE is an s3: URL, but AWS_SECRET_ACCESS_KEY is not set.
    CFILE_ARCHIVE: CFILE_ARCHIVE got an azblob: URL that is not https, but takes off, fs:DIR, s3://BUCKET/PREFIX?endpoint=&region=, azblob:https://ACCOUNT.blob.core.windows.net/CONTAINER or r2:BINDING.
    CFILE_ARCHIVE: CFILE_ARCHIVE got an azblob: URL without a container, but takes off, fs:DIR, s3://BUCKET/PREFIX?endpoint=&region=, azblob:https://ACCOUNT.blob.core.windows.net/CONTAINER or r2:BINDING."
  `)
})

it('says which entry and field of CFILE_UPSTREAMS is wrong', () => {
  const lists: unknown[] = [
    'not a list',
    [],
    {},
    ['hush'],
    [null],
    [{ endpoint }],
    [{ ...entry, name: 'a b' }],
    [{ ...entry, name: 7 }],
    [{ name: 'one' }],
    [{ ...entry, endpoint: 7 }],
    [{ ...entry, endpoint: 'https://apim.example' }],
    [{ ...entry, api_key: '' }],
    [{ ...entry, api_key: null }],
    [{ ...entry, api_version: '2024' }],
    [{ ...entry, models: [] }],
    [{ ...entry, models: 'gpt' }],
    [{ ...entry, models: ['gpt', ''] }],
    [{ ...entry, weight: 0 }],
    [{ ...entry, weight: 'heavy' }],
    [{ ...entry, tenant_id: 'a/b' }],
    [{ ...entry, client_id: 7 }],
    [{ ...entry, client_secret: ' ' }],
    [{ ...entry, client_certificate_path: false }],
    [{ ...entry, federated_token_file: '' }],
    [{ ...entry, scope: [] }],
    [{ ...entry, apiKey: 'hush' }],
    [entry, { ...entry, endpoint: 'https://other.openai.azure.com' }],
    [{ name: 'one', endpoint, client_secret: 'hush' }],
  ]
  const envs = lists.map((list) => ({
    CFILE_UPSTREAMS: typeof list === 'string' ? list : JSON.stringify(list),
  }))
  expect(messages(envs)).toMatchInlineSnapshot(`
    "CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that is no JSON list; it takes [{"name","endpoint","api_key"?,…}] with one entry or more.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that is no JSON list; it takes [{"name","endpoint","api_key"?,…}] with one entry or more.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that is no JSON list; it takes [{"name","endpoint","api_key"?,…}] with one entry or more.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has no object as entry 1; it takes {"name","endpoint",…}.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has no object as entry 1; it takes {"name","endpoint",…}.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has no "name" in entry 1; it takes a unique name of 1 to 64 letters, digits, ".", "_" and "-".
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "name" in entry 1 ("a b"); it takes a unique name of 1 to 64 letters, digits, ".", "_" and "-".
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "name" in entry 1; it takes a unique name of 1 to 64 letters, digits, ".", "_" and "-".
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has no "endpoint" in entry 1 ("one"); it takes the URL of an Azure OpenAI resource or project.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "endpoint" in entry 1 ("one"); it takes the URL of an Azure OpenAI resource or project.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS: "endpoint" of entry 1 ("one") got "https://apim.example", which is on a host that is not one of Azure OpenAI (add the host to CFILE_ALLOWED_HOSTS to allow it); it takes a URL such as https://RES.openai.azure.com or https://RES.services.ai.azure.com/api/projects/P.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "api_key" in entry 1 ("one"); it takes a key of that resource, of visible ASCII characters.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "api_key" in entry 1 ("one"); it takes a key of that resource, of visible ASCII characters.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "api_version" in entry 1 ("one"); it takes v1, preview or a date such as 2025-04-01-preview.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "models" in entry 1 ("one"); it takes a list of names of models.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "models" in entry 1 ("one"); it takes a list of names of models.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "models" in entry 1 ("one"); it takes a list of names of models.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "weight" in entry 1 ("one"); it takes a number above 0.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "weight" in entry 1 ("one"); it takes a number above 0.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "tenant_id" in entry 1 ("one"); it takes the id of a tenant.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "client_id" in entry 1 ("one"); it takes the id of an app or identity.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "client_secret" in entry 1 ("one"); it takes the secret of that app.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "client_certificate_path" in entry 1 ("one"); it takes the path of a file.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "federated_token_file" in entry 1 ("one"); it takes the path of a file.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has a wrong "scope" in entry 1 ("one"); it takes a scope such as https://cognitiveservices.azure.com/.default.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has an unknown field "apiKey" in entry 1 ("one"); it takes name, endpoint, api_key, api_version, models, weight, tenant_id, client_id, client_secret, client_certificate_path, federated_token_file, scope.
    CFILE_UPSTREAMS: CFILE_UPSTREAMS got a value (masked) that has the name of entry 2 ("one") twice; it takes a unique name of 1 to 64 letters, digits, ".", "_" and "-".
    AZURE_TENANT_ID: AZURE_CLIENT_SECRET is set, but AZURE_TENANT_ID is not: set both ids of the app."
  `)
})
