/**
 * The archives against s3rver, behind a proxy that checks signatures as S3 does, and against Azurite.
 */

import { createHash, createHmac } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request as httpRequest, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { AwsV4Signer } from 'aws4fetch'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Archive } from '../../src/archives/archive.ts'
import { nodeRuntime } from '../../src/node.ts'
import { openStorage } from '../../src/start/server-storage.ts'
import { parseEnv } from '../../src/start/settings/settings.ts'
import { archiveContract, bodyOf, testBytes } from '../archives/contract.ts'
import { openArchived, outliveContainer } from '../lib/archived.ts'
import { root, run } from '../lib/child.ts'
import { errorCode } from '../lib/harness.ts'
import { overHttp } from '../lib/served.ts'
import { hash } from './azure.ts'
import { describeWith, freePort } from './engines.ts'
import { listening, type Program, start } from './programs.ts'

const partBytes = 8 * 1024 * 1024

async function open(env: Record<string, string>) {
  const { archive } = await openStorage(parseEnv({ LOG_LEVEL: 'silent', ...env }))
  if (archive === undefined) throw new Error('No archive was opened.')
  return archive
}

async function outlive(archive: Archive): Promise<void> {
  const options = { ...nodeRuntime(), archive, linkTtl: 7 * 86_400 }
  await outliveContainer(await overHttp(openArchived(options)), 2 * 3600, 9)
}

describeWith(['s3rver'], 'S3', () => {
  let folder: string
  let engine: { run(): Promise<{ port: number }>; close(): Promise<void> }
  let enginePort: number
  let front: Server
  let env: Record<string, string>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cfile-s3-'))
    // It has no types.
    const { default: S3rver } = await import('s3rver' as string)
    engine = new S3rver({
      port: 0,
      address: '127.0.0.1',
      silent: true,
      directory: folder,
      configureBuckets: [{ name: 'files', configs: [] }],
    })
    const { port } = await engine.run()
    enginePort = port
    front = createServer(checkSignature(port))
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
    const address = front.address()
    const frontPort = typeof address === 'object' && address !== null ? address.port : 0
    env = {
      CFILE_ARCHIVE: `s3://files/some/folder?endpoint=http://127.0.0.1:${frontPort}&region=eu-central-1`,
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
    }
  })

  afterAll(async () => {
    front.close()
    await engine.close()
    await rm(folder, { recursive: true, force: true })
  })

  archiveContract('S3', async () => ({
    archive: await open(env),
    partBytes,
    // s3rver itself asks for no signature.
    damage: (key, bytes) =>
      replaceObject(`http://127.0.0.1:${enginePort}/files`, `some/folder/files/${key}.`, bytes),
  }))

  it('serves the files of an expired container by every route', async () => {
    await outlive(await open(env))
  })

  it('refuses to start with a wrong key, and the error says what to check', async () => {
    const archive = await open({ ...env, AWS_SECRET_ACCESS_KEY: 'wrong' })
    const put = archive.put('o/f', bodyOf(testBytes(9)), { owner: 'o', file_id: 'f' })
    await expect(put).rejects.toMatchObject({
      code: 'not_ready',
      details: { hint: expect.stringContaining('Check the key of AWS_ACCESS_KEY_ID') },
    })
  })
})

/** Puts other bytes, or none, in the place of the one object whose name begins so. */
async function replaceObject(
  bucket: string,
  prefix: string,
  bytes: Uint8Array<ArrayBuffer> | undefined,
  { query = '', list = 'list-type=2', headers = {} } = {},
): Promise<void> {
  const found = await (await fetch(`${bucket}?${list}&prefix=${prefix}&${query}`)).text()
  const name = /<(?:Key|Blob><Name)>([^<]+)</.exec(found)?.[1]
  const method = bytes === undefined ? 'DELETE' : 'PUT'
  const { ok } = await fetch(`${bucket}/${name}?${query}`, { method, headers, body: bytes })
  expect(ok).toBe(true)
}

/** Lets pass what is signed by the secret, body and all; s3rver itself looks at no signature. */
function checkSignature(port: number): Parameters<typeof createServer>[1] {
  return async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const { authorization = '', ...headers } = req.headers
    const signed = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';') ?? []
    const signer = new AwsV4Signer({
      method: req.method,
      url: `http://${req.headers.host}${req.url}`,
      headers: signed
        .filter((name) => name !== 'host')
        .map((name): [string, string] => [name, String(headers[name])]),
      accessKeyId: 'S3RVER',
      secretAccessKey: 'S3RVER',
      service: 's3',
      region: 'eu-central-1',
      datetime: String(headers['x-amz-date']),
      allHeaders: true,
    })
    const expected = (await signer.sign()).headers.get('authorization')
    const hash = headers['x-amz-content-sha256']
    const isSame = hash === createHash('sha256').update(body).digest('hex')
    if (
      expected !== authorization ||
      !(isSame || (body.length === 0 && hash === 'UNSIGNED-PAYLOAD'))
    ) {
      res.writeHead(403, { 'content-type': 'application/xml' })
      res.end('<Error><Code>SignatureDoesNotMatch</Code></Error>')
      return
    }
    const onward = httpRequest(
      { host: '127.0.0.1', port, method: req.method, path: req.url, headers: req.headers },
      (answer) => {
        res.writeHead(answer.statusCode ?? 500, answer.headers)
        // A download that is given up half way lets go of s3rver too.
        pipeline(answer, res, () => {})
      },
    )
    // What s3rver sends behind an answer is no answer.
    onward.on('error', () => res.destroy())
    onward.end(body)
  }
}

// Azurite's own, which everybody knows.
const account = 'devstoreaccount1'
const key =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

describeWith(['azurite-blob'], 'Azure Blob Storage', (path) => {
  let folder: string
  let azurite: Program
  let port: number
  let url: string

  async function startAzurite(): Promise<void> {
    azurite = start(path, [
      ...['--silent', '--location', folder, '--skipApiVersionCheck', '--disableTelemetry'],
      ...['--blobHost', '127.0.0.1', '--blobPort', String(port)],
    ])
    await listening(port)
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cfile-azurite-'))
    port = await freePort()
    await startAzurite()
    url = `http://127.0.0.1:${port}/${account}/files`
    await createContainer()
  })

  // As compose.yaml does.
  async function createContainer(): Promise<void> {
    const script = `${root}deploy/compose/create-container.ts`
    const env = { CFILE_ARCHIVE: `azblob:${url}`, AZURE_STORAGE_KEY: key }
    const { code, stderr } = await run(process.execPath, [script], { env })
    expect([code, stderr]).toEqual([0, ''])
  }

  afterAll(async () => {
    await azurite.end()
    await rm(folder, { recursive: true, force: true })
  })

  it('accepts the existing blob container when compose.yaml starts again', createContainer)

  const withKey = () => open({ CFILE_ARCHIVE: `azblob:${url}`, AZURE_STORAGE_KEY: key })

  archiveContract('Azure Blob Storage by a shared key', async () => ({
    archive: await withKey(),
    partBytes,
    damage: (key, bytes) =>
      replaceObject(url, `files/${key}.`, bytes, {
        query: accountSas(),
        list: 'restype=container&comp=list',
        headers: { 'x-ms-blob-type': 'BlockBlob' },
      }),
  }))

  archiveContract('Azure Blob Storage by a shared access signature', async () => ({
    archive: await open({ CFILE_ARCHIVE: `azblob:${url}?${accountSas()}` }),
  }))

  it('serves the files of an expired container by every route', async () => {
    await outlive(await withKey())
  })

  it('refuses to start with a wrong key, and the error says what to check', async () => {
    const wrong = Buffer.from('wrong').toString('base64')
    const archive = await open({ CFILE_ARCHIVE: `azblob:${url}`, AZURE_STORAGE_KEY: wrong })
    await expect(archive.get('o/f')).rejects.toMatchObject({
      code: 'not_ready',
      details: { hint: expect.stringContaining('Check AZURE_STORAGE_KEY') },
    })
  })

  it('loses the bytes whose record was never written', async () => {
    const archive = await withKey()
    await archive.put('o/g', bodyOf(testBytes(9)), { owner: 'o', file_id: 'g' })
    const left = `${url}/files/o/h.left?${accountSas()}`
    await fetch(left, { method: 'PUT', body: 'x', headers: { 'x-ms-blob-type': 'BlockBlob' } })
    await archive.removeLeftovers({ before: Number.MAX_SAFE_INTEGER })
    expect((await fetch(left)).status).toBe(404)
    expect((await archive.get('o/g'))?.bytes).toBe(9)
  })

  it('may be down: Azure OpenAI serves the files that it still has, and no file is reported as lost', async () => {
    const archive = await withKey()
    const gateway = await overHttp(openArchived({ ...nodeRuntime(), archive }))
    const [old] = await gateway.respond('Write a CSV')
    const oldPath = `/files/${old?.file_id}`
    const oldHash = await hash(await gateway.ask(oldPath))
    await gateway.settled()
    gateway.advance(2 * 3600)
    await azurite.end('SIGTERM')

    const [fresh] = await gateway.respond('Write a CSV')
    const freshPath = `/files/${fresh?.file_id}`
    const freshHash = await hash(await gateway.ask(freshPath))
    expect(freshHash).toHaveLength(64)
    await gateway.settled()
    const lost = await gateway.ask(oldPath)
    expect([lost.status, await errorCode(lost)]).toEqual([503, 'not_ready'])
    expect(lost.headers.get('retry-after')).toMatch(/^\d+$/)
    const ready = await gateway.ask('/readyz')
    expect([ready.status, await ready.json()]).toMatchObject([200, { archive: 'failing' }])
    const metrics = await (await gateway.ask('/metrics')).text()
    expect(metrics).toMatch(/^cfile_archive_errors_total [1-9]/m)

    await startAzurite()
    gateway.advance(60)
    await gateway.runUpkeep()
    await gateway.settled()
    expect(await (await gateway.ask('/readyz')).json()).toMatchObject({ archive: 'ok' })
    gateway.advance(2 * 3600)
    expect(await hash(await gateway.ask(oldPath))).toBe(oldHash)
    expect(await hash(await gateway.ask(freshPath))).toBe(freshHash)
  })
})

/** A shared access signature of the account (https://learn.microsoft.com/rest/api/storageservices/create-account-sas). */
function accountSas(): string {
  const expiry = '2099-01-01T00:00:00Z'
  const [version, permissions] = ['2021-12-02', 'rwdlac']
  const text = `${[account, permissions, 'b', 'sco', '', expiry, '', 'https,http', version, ''].join('\n')}\n`
  const sig = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64')
  const fields = {
    sv: version,
    ss: 'b',
    srt: 'sco',
    sp: permissions,
    se: expiry,
    spr: 'https,http',
    sig,
  }
  return new URLSearchParams(fields).toString()
}
