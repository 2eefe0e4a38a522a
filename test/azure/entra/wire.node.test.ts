/**
 * Every way to sign in, against token endpoints that speak HTTP on a socket of this machine.
 */

import { generateKeyPairSync, type KeyObject, verify, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Credential } from '../../../src/azure/credentials.ts'
import {
  appServiceIdentity,
  clientCertificate,
  clientSecret,
  firstAvailable,
  imds,
  tokenCredential,
  workloadIdentity,
} from '../../../src/index.ts'
import { webRuntime } from '../../../src/runtime.ts'
import { settingFile } from '../../../src/start/settings/azure.ts'
import { parseEnv } from '../../../src/start/settings/settings.ts'
import { selfSigned } from './certificate.ts'

const scope = 'https://cognitiveservices.azure.com/.default'
const app = { tenantId: 'the-tenant', clientId: 'the-client' }

interface Seen {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingMessage['headers']
  readonly form: URLSearchParams
}

type Reply = (seen: Seen, count: number) => { status?: number; body: unknown; headers?: object }

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

/** A token endpoint that answers by hand, after a moment, and remembers what it was asked. */
async function endpoint(reply: Reply = (_seen, count) => granted(`token-${count}`)) {
  const seen: Seen[] = []
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const asked = {
      method: request.method ?? '',
      url: new URL(request.url ?? '/', 'http://localhost'),
      headers: request.headers,
      form: new URLSearchParams(Buffer.concat(chunks).toString()),
    }
    seen.push(asked)
    const { status = 200, body, headers } = reply(asked, seen.length)
    setTimeout(() => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }, 20)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(() => server.close())
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function granted(token: string, more: object = { expires_in: 3599, ext_expires_in: 3599 }) {
  return { body: { token_type: 'Bearer', access_token: token, ...more } }
}

let time = Math.floor(Date.now() / 1000)
const runtime = {
  ...webRuntime,
  now: () => time,
  readFile: (path: string) => readFile(path, 'utf8'),
}

async function tokenOf(credential: Credential): Promise<string> {
  return (await credential.authorize(scope, runtime)).value
}

async function folder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'cfile-'))
}

describe('signing in', () => {
  it('with a client secret asks Entra ID as the app', async () => {
    const { url, seen } = await endpoint()
    const credential = clientSecret({ ...app, clientSecret: 's3+cr&t=', authorityHost: `${url}/` })
    expect(await tokenOf(credential)).toBe('Bearer token-1')
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: { pathname: '/the-tenant/oauth2/v2.0/token' },
    })
    expect(Object.fromEntries(seen[0]?.form ?? [])).toEqual({
      grant_type: 'client_credentials',
      client_id: 'the-client',
      scope,
      client_secret: 's3+cr&t=',
    })
  })

  it('with a certificate signs a new JWT for each token with the key of the certificate', async () => {
    const { url, seen } = await endpoint()
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const certificate = selfSigned(publicKey, privateKey)
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
    const credential = clientCertificate({
      ...app,
      pem: `${key}${certificate}`,
      authorityHost: url,
    })
    expect(await tokenOf(credential)).toBe('Bearer token-1')
    time += 3600
    expect(await tokenOf(credential)).toBe('Bearer token-2')
    const [first, second] = seen.map(({ form }) => form.get('client_assertion') ?? '')
    const { header, claims, isSigned } = readStatement(first ?? '', publicKey)
    const thumbprint = new X509Certificate(certificate).fingerprint256.replaceAll(':', '')
    expect(header).toEqual({
      alg: 'PS256',
      typ: 'JWT',
      'x5t#S256': Buffer.from(thumbprint, 'hex').toString('base64url'),
    })
    expect(isSigned).toBe(true)
    expect(claims).toMatchObject({
      aud: `${url}/the-tenant/oauth2/v2.0/token`,
      iss: 'the-client',
      sub: 'the-client',
      exp: time - 3600 + 600,
    })
    expect(readStatement(second ?? '', publicKey).claims.jti).not.toBe(claims.jti)
    expect(seen[0]?.form.get('client_assertion_type')).toBe(
      'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    )
    expect(seen[0]?.form.has('client_secret')).toBe(false)
  })

  it('with a certificate in a file reads the file for each token', async () => {
    const { url, seen } = await endpoint()
    const path = join(await folder(), 'app.pem')
    const pems = [1, 2].map(() => {
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      const certificate = selfSigned(publicKey, privateKey)
      const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
      return { publicKey, certificate, pem: `${certificate}${key}` }
    })
    const { upstreams } = parseEnv({
      AZURE_OPENAI_ENDPOINT: 'https://res.openai.azure.com',
      AZURE_TENANT_ID: app.tenantId,
      AZURE_CLIENT_ID: app.clientId,
      AZURE_CLIENT_CERTIFICATE_PATH: path,
      AZURE_AUTHORITY_HOST: url,
    })
    const { credential } = upstreams[0] as { credential: Credential }
    for (const [index, { publicKey, certificate, pem }] of pems.entries()) {
      await writeFile(path, pem)
      expect(await tokenOf(credential)).toBe(`Bearer token-${index + 1}`)
      const statement = seen[index]?.form.get('client_assertion') ?? ''
      const { header, claims, isSigned } = readStatement(statement, publicKey)
      const thumbprint = new X509Certificate(certificate).fingerprint256.replaceAll(':', '')
      expect(header['x5t#S256']).toBe(Buffer.from(thumbprint, 'hex').toString('base64url'))
      expect(isSigned).toBe(true)
      expect(claims).toMatchObject({
        aud: `${url}/the-tenant/oauth2/v2.0/token`,
        iss: 'the-client',
        exp: time + 600,
      })
      time += 3600
    }
  })

  it('with a certificate that cannot be used says why in one line, without content of the file', async () => {
    const { url, seen } = await endpoint()
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const certificate = selfSigned(publicKey, privateKey)
    const locked = { cipher: 'aes-256-cbc', passphrase: 'hush' } as const
    const path = join(await folder(), 'app.pem')
    const pem = settingFile('AZURE_CLIENT_CERTIFICATE_PATH', path)
    const credential = clientCertificate({ ...app, authorityHost: url, pem })
    const failure = () => tokenOf(credential).catch((error) => error)
    expect(await failure()).toMatchObject({
      code: 'upstream_auth',
      message: 'The file in AZURE_CLIENT_CERTIFICATE_PATH could not be read.',
    })
    for (const [key, says] of [
      [privateKey.export({ type: 'pkcs8', format: 'pem', ...locked }), 'has a password'],
      [privateKey.export({ type: 'pkcs1', format: 'pem', ...locked }), 'has a password'],
      [privateKey.export({ type: 'pkcs1', format: 'pem' }), 'openssl pkcs8 -topk8 -nodes'],
      ['', 'no readable PRIVATE KEY'],
    ] as const) {
      await writeFile(path, `${certificate}${key}`)
      const error = await failure()
      expect(error).toMatchObject({ code: 'upstream_auth', status: 502 })
      expect(error.message).toContain(says)
      expect(error.message).not.toMatch(/\n|MII|hush/)
      expect(error.details.hint).toContain('AZURE_CLIENT_CERTIFICATE_PATH')
    }
    const here = { ...runtime, readFile: undefined }
    await expect(credential.authorize(scope, here)).rejects.toThrow('no files')
    expect(seen).toEqual([])
  })

  it('with a federated token reads its file for each token, because Kubernetes replaces it', async () => {
    const { url, seen } = await endpoint()
    const path = join(await folder(), 'token')
    await writeFile(path, 'first\n')
    const { upstreams } = parseEnv({
      AZURE_OPENAI_ENDPOINT: 'https://res.openai.azure.com',
      AZURE_TENANT_ID: app.tenantId,
      AZURE_CLIENT_ID: app.clientId,
      AZURE_FEDERATED_TOKEN_FILE: path,
      AZURE_AUTHORITY_HOST: url,
    })
    const { credential } = upstreams[0] as { credential: Credential }
    expect(await tokenOf(credential)).toBe('Bearer token-1')
    await writeFile(path, 'second')
    expect(await tokenOf(credential)).toBe('Bearer token-1')
    time += 3600
    expect(await tokenOf(credential)).toBe('Bearer token-2')
    expect(seen.map(({ form }) => form.get('client_assertion'))).toEqual(['first', 'second'])
  })

  it('with a federated token from a callback needs no file', async () => {
    const { url, seen } = await endpoint()
    const credential = workloadIdentity({
      ...app,
      authorityHost: url,
      assertion: async () => 'mine',
    })
    expect(await tokenOf(credential)).toBe('Bearer token-1')
    expect(seen[0]?.form.get('client_assertion')).toBe('mine')
  })

  it('as an app of App Service calls the endpoint of the environment with its header', async () => {
    const expires_on = String(time + 3600)
    const { url, seen } = await endpoint((_, n) => granted(`token-${n}`, { expires_on }))
    const options = { endpoint: `${url}/msi/token`, header: 'hush', clientId: 'mine' }
    const credential = appServiceIdentity(options)
    expect(await tokenOf(credential)).toBe('Bearer token-1')
    expect(seen[0]).toMatchObject({ method: 'GET', headers: { 'x-identity-header': 'hush' } })
    expect(seen[0]?.url.pathname).toBe('/msi/token')
    expect(Object.fromEntries(seen[0]?.url.searchParams ?? [])).toEqual({
      'api-version': '2019-08-01',
      resource: 'https://cognitiveservices.azure.com',
      client_id: 'mine',
    })
    time += 3601
    expect(await tokenOf(credential)).toBe('Bearer token-2')
  })

  it('as the identity of a machine calls IMDS, which sends numbers as texts', async () => {
    const { url, seen } = await endpoint((_, n) =>
      granted(`token-${n}`, { expires_in: '86400', expires_on: String(time + 86_400) }),
    )
    const credential = imds({ host: url })
    expect(await tokenOf(credential)).toBe('Bearer token-1')
    expect(seen[0]).toMatchObject({ method: 'GET', headers: { metadata: 'true' } })
    expect(seen[0]?.url.pathname).toBe('/metadata/identity/oauth2/token')
    expect(Object.fromEntries(seen[0]?.url.searchParams ?? [])).toEqual({
      'api-version': '2018-02-01',
      resource: 'https://cognitiveservices.azure.com',
    })
  })

  it('with a credential of @azure/identity or a function uses its token', async () => {
    const scopes: string[] = []
    const credential = tokenCredential({
      async getToken(asked) {
        scopes.push(asked)
        return { token: 'theirs', expiresOnTimestamp: (time + 3600) * 1000 }
      },
    })
    expect([await tokenOf(credential), await tokenOf(credential)]).toEqual([
      'Bearer theirs',
      'Bearer theirs',
    ])
    expect(scopes).toEqual([scope])
    let count = 0
    const provider = tokenCredential(async () => `token-${++count}`)
    expect([await tokenOf(provider), await tokenOf(provider)]).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ])
    await expect(tokenOf(tokenCredential({ getToken: async () => null }))).rejects.toMatchObject({
      code: 'upstream_auth',
    })
  })

  it('by a hundred simultaneous callers sends one request', async () => {
    const { url, seen } = await endpoint()
    for (const [index, credential] of [
      clientSecret({ ...app, clientSecret: 's', authorityHost: url }),
      firstAvailable(imds({ host: url })),
      appServiceIdentity({ endpoint: url, header: 'h' }),
    ].entries()) {
      const tokens = await Promise.all(Array.from({ length: 100 }, () => tokenOf(credential)))
      expect(new Set(tokens).size).toBe(1)
      expect(seen.length, credential.kind).toBe(index + 1)
    }
  })
})

describe('a refusal', () => {
  it.each([
    [
      'AADSTS7000215: Invalid client secret provided: s3cret',
      'AZURE_CLIENT_SECRET takes the value',
    ],
    ['AADSTS7000222: The provided client secret keys are expired.', 'has expired'],
    [
      'AADSTS700016: Application with identifier x was not found',
      'AZURE_CLIENT_ID is not in the tenant',
    ],
    ['AADSTS90002: Tenant x not found.', 'check AZURE_TENANT_ID'],
    ['AADSTS700213: No matching federated identity record found', 'federated credential'],
    ['AADSTS700027: The certificate is not registered', 'certificate'],
    ['AADSTS500011: The resource principal was not found', 'AZURE_OPENAI_SCOPE'],
    ['AADSTS1: Something new', 'AZURE_TENANT_ID, AZURE_CLIENT_ID'],
  ])('of Entra ID is reported with its code and a hint only: %s', async (text, hint) => {
    const { url } = await endpoint(() => ({
      status: 401,
      body: { error: 'invalid_client', error_description: text, trace_id: 'a-trace' },
      headers: { 'x-ms-request-id': 'their-id' },
    }))
    const credential = clientSecret({ ...app, clientSecret: 's3cret', authorityHost: url })
    const error = await tokenOf(credential).catch((failure) => failure)
    const code = text.split(':')[0]
    expect(error).toMatchObject({
      code: 'upstream_auth',
      message: `Entra ID gave no token: status 401, ${code}.`,
      details: { upstream: { status: 401, code, request_id: 'their-id' } },
    })
    expect(error.details.hint).toContain(hint)
    expect(JSON.stringify([error.message, error.details])).not.toMatch(/s3cret|a-trace/)
  })

  it.each<[string, Parameters<typeof endpoint>[0], string]>([
    ['a server error', () => ({ status: 503, body: 'down' }), 'upstream_error'],
    ['a limit', () => ({ status: 429, body: {} }), 'upstream_throttled'],
    ['a page', () => ({ body: '<html>' }), 'upstream_invalid'],
    ['a token that is none', () => granted('a b\r\nc'), 'upstream_invalid'],
    ['no end', () => granted('t', {}), 'upstream_invalid'],
  ])('that is %s is none of the credential', async (_name, reply, code) => {
    const { url } = await endpoint(reply)
    const credential = clientSecret({ ...app, clientSecret: 's', authorityHost: url })
    await expect(tokenOf(credential)).rejects.toMatchObject({ code })
  })

  it('that is a redirect is not followed, because the request contains a secret', async () => {
    const other = await endpoint()
    const { url } = await endpoint(() => ({
      status: 307,
      body: '',
      headers: { location: other.url },
    }))
    const credential = clientSecret({ ...app, clientSecret: 's', authorityHost: url })
    await expect(tokenOf(credential)).rejects.toMatchObject({ code: 'upstream_invalid' })
    expect(other.seen).toEqual([])
  })
})

describe('a missing credential', () => {
  it('is reported with the settings that would provide one', async () => {
    const { upstreams } = parseEnv({
      AZURE_OPENAI_ENDPOINT: 'https://res.openai.azure.com',
      // Nobody listens on the discard port.
      AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:9',
    })
    const { credential } = upstreams[0] as { credential: Credential }
    const error = await tokenOf(credential).catch((failure) => failure)
    expect(error).toMatchObject({ code: 'upstream_auth', status: 502 })
    for (const name of [
      'AZURE_OPENAI_API_KEY',
      'AZURE_CLIENT_SECRET',
      'AZURE_FEDERATED_TOKEN_FILE',
    ]) {
      expect(error.details.hint).toContain(name)
    }
  })

  it('is reported for any answer at the address of IMDS, because a proxy may answer there', async () => {
    for (const status of [200, 302, 403, 404, 500, 503]) {
      const { url } = await endpoint(() => ({ status, body: '<html>' }))
      const error = await tokenOf(imds({ host: url })).catch((failure) => failure)
      expect(error, String(status)).toMatchObject({ code: 'upstream_auth', status: 502 })
      expect(error.details.hint).toContain('AZURE_OPENAI_API_KEY')
    }
  })

  it('leads to the next credential, and the first one that is available is kept', async () => {
    const { url, seen } = await endpoint()
    const missing = imds({ host: 'http://127.0.0.1:9' })
    const credential = firstAvailable(missing, appServiceIdentity({ endpoint: url, header: 'h' }))
    expect(await tokenOf(credential)).toBe('Bearer token-1')
    expect(credential.kind).toBe('managed identity (app service)')
    time += 3600
    expect(await tokenOf(credential)).toBe('Bearer token-2')
    expect(seen.length).toBe(2)
  })

  it('does not lead past a credential that is refused, because another identity would hide the fault', async () => {
    const { url } = await endpoint(() => ({ status: 400, body: { error: 'invalid_request' } }))
    const other = await endpoint()
    const credential = firstAvailable(imds({ host: url }), imds({ host: other.url }))
    await expect(tokenOf(credential)).rejects.toMatchObject({ code: 'upstream_auth' })
    expect(other.seen).toEqual([])
  })
})

function readStatement(jwt: string, key: KeyObject) {
  const [header = '', claims = '', signature = ''] = jwt.split('.')
  const parse = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  // RSA_PKCS1_PSS_PADDING, as in node:crypto's constants.
  const options = { key, padding: 6, saltLength: 32 }
  const isSigned = verify(
    'sha256',
    Buffer.from(`${header}.${claims}`),
    options,
    Buffer.from(signature, 'base64url'),
  )
  return { header: parse(header), claims: parse(claims), isSigned }
}
