import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type Child, cfile, isOpen, patient, root, startServer } from '../lib/child.ts'
import { citedFiles, json, responseRequest } from '../lib/harness.ts'
import { doMainJob } from '../lib/main-job.ts'
import { listen } from '../lib/upstream.ts'

const azure = { AZURE_OPENAI_ENDPOINT: 'http://127.0.0.1:9', AZURE_OPENAI_API_KEY: 'k' }

describe('cfile serve', () => {
  const children: Child[] = []
  async function open(env: Record<string, string> = {}): Promise<Child> {
    const child = await startServer(env)
    children.push(child)
    return child
  }
  afterEach(() => Promise.all(children.splice(0).map((child) => child.stop())))

  /** A download that has begun and does not go on by itself. */
  async function beginDownload(url: string): Promise<Response> {
    const answer = await fetch(
      `${url}/openai/v1/responses`,
      json(responseRequest('Save a 60 MB binary file')),
    )
    const [file] = citedFiles(await answer.json())
    return fetch(`${url}/files/${file?.file_id}`)
  }

  it('says in its first line that it runs on the emulator, does the main job, and exits with 0 after SIGTERM', async () => {
    const child = await open()
    expect(child.output().split('\n')[0]).toMatch(
      /^cfile at http:\/\/127\.0\.0\.1:\d+ on its built-in emulator/,
    )
    await doMainJob(child.url)
    child.kill()
    expect((await child.ended).code).toBe(0)
  })

  it('lets a download finish after SIGTERM', async () => {
    const child = await open()
    const download = await beginDownload(child.url)
    child.kill()
    await expect.poll(() => isOpen(child), patient).toBe(false)
    expect((await download.arrayBuffer()).byteLength).toBe(60_000_000)
    expect((await child.ended).code).toBe(0)
  })

  it('ends at a second signal while downloads run', async () => {
    const child = await open()
    const download = await beginDownload(child.url)
    child.kill('SIGINT')
    await expect.poll(() => isOpen(child), patient).toBe(false)
    child.kill('SIGINT')
    expect((await child.ended).code).toBe(1)
    await expect(download.arrayBuffer()).rejects.toThrow()
  })

  it.each([
    ['PORT', { PORT: 'eighty' }, /^cfile: PORT got "eighty", but takes a port/],
    [
      'HOST',
      {
        HOST: '192.0.2.1',
        CFILE_ALLOW_ANONYMOUS: '1',
        CFILE_PUBLIC_URL: 'https://files.example.com',
        ...azure,
      },
      /HOST is not an address of this machine/,
    ],
    [
      'HOST',
      {
        HOST: 'nowhere.invalid',
        CFILE_ALLOW_ANONYMOUS: '1',
        CFILE_PUBLIC_URL: 'https://files.example.com',
        ...azure,
      },
      /HOST is not an address of this machine/,
    ],
    [
      'CFILE_PUBLIC_URL',
      { HOST: '0.0.0.0', CFILE_ALLOW_ANONYMOUS: '1', ...azure },
      /set CFILE_PUBLIC_URL to the URL/,
    ],
    [
      'CFILE_JWKS_URL',
      { CFILE_JWKS_URL: 'http://issuer.example/keys' },
      /CFILE_JWKS_URL got "?http:/,
    ],
    [
      'CFILE_WEBHOOK_SECRETS',
      { CFILE_WEBHOOK_SECRETS: 'hush' },
      /^(?!.*hush).*CFILE_WEBHOOK_SECRETS/,
    ],
    [
      'CFILE_STORE',
      { CFILE_STORE: 'sqlite:/dev/null/cfile.db' },
      /^cfile: CFILE_STORE is sqlite:\/dev\/null\/cfile\.db, which can not be opened .* Set CFILE_STORE/,
    ],
    [
      'CFILE_STORE',
      { CFILE_STORE: `sqlite:${root}package.json` },
      /^cfile: CFILE_STORE is sqlite:.*not a database.* Set CFILE_STORE/,
    ],
    [
      'CFILE_DATA_DIR',
      { CFILE_DATA_DIR: '/dev/null/data', ...azure },
      /^cfile: CFILE_DATA_DIR is \/dev\/null\/data, where no store can be opened .* Set CFILE_DATA_DIR/,
    ],
    ['HOST', { HOST: '0.0.0.0' }, /AZURE_OPENAI_ENDPOINT/],
    [
      'CFILE_SIGNING_KEYS',
      { CFILE_SIGNING_KEYS: 'a:short-secret' },
      /^(?!.*short-secret).*CFILE_SIGNING_KEYS/,
    ],
  ])('says what is wrong with %s in one line, and ends with 1', async (_, env, line) => {
    const { code, stderr, stdout } = await cfile(['serve'], { env: { PORT: '0', ...env } })
    expect(code).toBe(1)
    expect(stdout).toBe('')
    const errors = stderr
      .trimEnd()
      .split('\n')
      .filter((text) => !text.startsWith('{'))
    expect(errors).toEqual([expect.stringMatching(line)])
  })

  it.each<[string, (url: string) => string, RequestListener, RegExp]>([
    ['nobody listens', () => 'http://127.0.0.1:9/keys', () => {}, /ECONNREFUSED/],
    ['is not found', (url) => url, (_, answer) => answer.writeHead(404).end(), /status 404/],
    [
      'leads elsewhere',
      (url) => url,
      (_, answer) => answer.writeHead(302, { location: '/' }).end(),
      /status 302/,
    ],
    ['is HTML', (url) => url, (_, answer) => answer.end('<html>'), /not a JSON Web Key Set/],
    [
      'is the discovery document',
      (url) => url,
      (_, answer) => answer.end('{"jwks_uri":"x"}'),
      /not a JSON Web Key Set/,
    ],
    [
      'has no usable key',
      (url) => url,
      (_, answer) => answer.end('{"keys":[]}'),
      /no key for RS256/,
    ],
    ['never answers', (url) => url, () => {}, /nothing within 5000 ms/],
    [
      'never ends',
      (url) => url,
      (_, answer) => answer.writeHead(200).write('{'),
      /nothing within 5000 ms/,
    ],
  ])(
    'does not listen without the keys of callers: CFILE_JWKS_URL %s',
    async (_, urlOf, answer, cause) => {
      const issuer = await listen(answer)
      const CFILE_JWKS_URL = urlOf(`${issuer.url}/keys`)
      const startedAt = Date.now()
      const { code, stderr, stdout } = await cfile(['serve'], {
        env: { PORT: '0', CFILE_JWKS_URL },
      })
      const lasted = Date.now() - startedAt
      await issuer.close()
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr.trimEnd().split('\n')).toEqual([
        expect.stringMatching(
          /^cfile: CFILE_JWKS_URL is "http:\/\/127\.0\.0\.1:\d+\/keys", where no keys can be fetched \(.*\)\. Set CFILE_JWKS_URL to the jwks_uri/,
        ),
      ])
      expect(stderr).toMatch(cause)
      // No timer keeps the process alive after its last line.
      if (!/5000/.test(cause.source)) expect(lasted).toBeLessThan(4500)
    },
  )

  it('names the setting of an archive that cannot be written, at the start', async () => {
    const child = await open({ CFILE_ARCHIVE: 'fs:/dev/null/archive' })
    await expect
      .poll(() => child.output(), patient)
      .toMatch(/^\{.*"level":"error".*The archive failed at a write.*CFILE_ARCHIVE/m)
    expect(await (await fetch(`${child.url}/readyz`)).json()).toMatchObject({ archive: 'failing' })
  })

  it('reports a port that is in use', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const { code, stderr } = await cfile(['serve'], { env: { PORT: String(port) } })
    other.close()
    expect(code).toBe(1)
    expect(stderr).toBe('cfile: PORT is taken by another program; set PORT to a free one.\n')
  })
})
