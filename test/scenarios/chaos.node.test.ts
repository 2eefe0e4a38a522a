/**
 * Parts around the gateway that fail: each gets the expected answer, and the gateway works again when the part does.
 */

import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { fsArchive } from '../../src/archives/fs.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { parseEndpoint } from '../../src/azure/endpoint.ts'
import { clientSecret } from '../../src/azure/entra/app.ts'
import { connectWithin } from '../../src/core/http/websocket.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { nodeRuntime } from '../../src/node.ts'
import { openSqlite, sqliteStore } from '../../src/stores/sqlite.ts'
import { selfSigned } from '../azure/entra/certificate.ts'
import { openArchived } from '../lib/archived.ts'
import { errorCode, json, openHarness, pathOf, responseRequest } from '../lib/harness.ts'

async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'cfile-chaos-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

it('says that no token can be had while the token endpoint is down, and works when it is back', async () => {
  const emulator = createEmulator({})
  const closed = createServer()
  const port = await listen(closed)
  await new Promise((resolve) => closed.close(resolve))
  const gateway = openHarness({
    retry: { attempts: 1 },
    upstreams: [
      {
        endpoint: 'http://emulator.localhost',
        credential: clientSecret({
          tenantId: 'tenant',
          clientId: 'client',
          clientSecret: 'a-secret-of-the-app',
          authorityHost: `http://127.0.0.1:${port}`,
        }),
        fetch: async (input, init) => {
          const url = String(input instanceof Request ? input.url : input)
          return url.includes('emulator.localhost')
            ? emulator.fetch(new Request(input, init))
            : fetch(input, init)
        },
        connect: connectWithin(emulator),
      },
    ],
  })
  const ask = () => gateway.ask('/openai/v1/responses', json(responseRequest('Save a CSV')))
  const refused = await ask()
  const text = await refused.clone().text()
  expect([refused.status, await errorCode(refused)]).toEqual([502, 'upstream_error'])
  expect(text).not.toContain('a-secret-of-the-app')
  const tokens = createServer((_, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ access_token: 'token', expires_in: 3600, token_type: 'Bearer' }))
  })
  await listen(tokens, port)
  expect((await ask()).status).toBe(200)
})

it('answers 502 and names no internal address when the name of the upstream does not resolve', async () => {
  const endpoint = parseEndpoint('https://no-such-host.invalid', {
    allowedHosts: ['no-such-host.invalid'],
  })
  const gateway = openHarness({
    ...nodeRuntime(),
    upstreams: [{ endpoint, credential: apiKey('a-secret-key') }],
  })
  const answer = await gateway.ask('/files/cfile_0123456789?container_id=cntr_0123456789')
  const text = await answer.clone().text()
  expect([answer.status, await errorCode(answer)]).toEqual([502, 'upstream_error'])
  expect(text).not.toMatch(/ENOTFOUND|EAI_AGAIN|a-secret-key|at \w+ \(/)
})

it('answers 502 when the certificate of the upstream cannot be trusted', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const cert = selfSigned(publicKey, privateKey)
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const server = createTlsServer({ cert, key }, (_, response) => response.end('{}'))
  const port = await listen(server)
  const gateway = openHarness({
    ...nodeRuntime(),
    upstreams: [{ endpoint: `https://localhost:${port}`, credential: apiKey('a-secret-key') }],
  })
  const answer = await gateway.ask('/files/cfile_0123456789?container_id=cntr_0123456789')
  expect([answer.status, await errorCode(answer)]).toEqual([502, 'upstream_error'])
})

it('goes on when the clock jumps forwards and back', async () => {
  const gateway = openArchived()
  const answer = await gateway.ask('/openai/v1/responses', json(responseRequest('Save a CSV')))
  const [, download_url = ''] = /"download_url":"([^"]+)"/.exec(await answer.text()) ?? []
  await gateway.settled()
  const status = async () => (await gateway.ask(pathOf(download_url))).status
  expect(await status()).toBe(200)
  gateway.advance(2 * 24 * 3600)
  expect(await status()).toBe(403)
  gateway.advance(-2 * 24 * 3600)
  expect(await status()).toBe(200)
  gateway.advance(-24 * 3600)
  expect(await status()).toBe(200)
  // Copies that are noted while the clock is behind are made too.
  const [later] = await gateway.respond('Save a CSV')
  await gateway.runUpkeep()
  await gateway.settled()
  gateway.advance(24 * 3600)
  await gateway.runUpkeep()
  await gateway.settled()
  const head = await gateway.ask(`/files/${later?.file_id}`, { method: 'HEAD' })
  expect(head.headers.get('repr-digest')).toMatch(/^sha-256=/)
})

it('passes answers while the disk of the SQLite store is full, and records again when there is space', async () => {
  const path = join(await folder(), 'cfile.db')
  const store = sqliteStore({
    database: await openSqlite(path),
    now: () => 1_790_000_000,
    wait: async () => {},
  })
  const gateway = openHarness({ store })
  const [kept] = await gateway.respond('Save a CSV')
  const lines: string[] = []
  const full = await openFull(path)
  const crowded = openHarness({
    store: sqliteStore({ database: full.database, now: () => 1_790_000_000, wait: async () => {} }),
    log: (level, message) => void lines.push(`${level} ${message}`),
  })
  expect((await crowded.ask('/healthz')).status).toBe(200)
  let text = ''
  // The last page of the file has space for some records.
  for (
    let tries = 0;
    tries < 100 && !lines.some((line) => /^(?:warn|error) /.test(line));
    tries += 1
  ) {
    const answer = await crowded.ask('/openai/v1/responses', json(responseRequest('Save a CSV')))
    expect(answer.status).toBe(200)
    text = await answer.text()
  }
  expect(lines.join('\n')).toMatch(/^(?:warn|error) /m)
  // Links need no store.
  const [, link = ''] = /"download_url":"([^"]+)"/.exec(text) ?? []
  expect((await crowded.ask(pathOf(link))).status).toBe(200)
  full.makeSpace()
  const [file] = await crowded.respond('Save a CSV')
  expect((await crowded.ask(`/files/${file?.file_id}`)).status).toBe(200)
  expect(kept?.file_id).toMatch(/^cfile_/)
})

/** A database whose file may not grow. */
async function openFull(path: string) {
  const database = await openSqlite(path)
  const pages = new DatabaseSync(path)
  const { page_count } = pages.prepare('PRAGMA page_count').get() as { page_count: number }
  pages.close()
  // The limit is one of the connection, so it is set through the store's own.
  const limit = (most: number) => database.exec(`PRAGMA max_page_count = ${most}`)
  limit(page_count)
  return { database, makeSpace: () => limit(1_000_000) }
}

it('serves files from Azure while the archive cannot be written, and copies them when it can', async () => {
  const root = await folder()
  // A file where the folder should be fails as a read-only or missing disk does.
  const blocked = join(root, 'archive')
  await writeFile(blocked, '')
  const lines: string[] = []
  const gateway = openArchived({
    archive: fsArchive({ folder: blocked }),
    log: (level, message) => void lines.push(`${level} ${message}`),
  })
  const [file] = await gateway.respond('Save a CSV')
  await gateway.settled()
  const served = await gateway.ask(`/files/${file?.file_id}`)
  expect(served.status).toBe(200)
  await served.arrayBuffer()
  expect((await gateway.ask('/readyz')).status).toBe(200)
  expect(lines.join('\n')).toMatch(/^(?:warn|error) /m)
  await rm(blocked)
  for (let tries = 0; tries < 50; tries += 1) {
    gateway.advance(60)
    await gateway.runUpkeep()
    await gateway.settled()
    const head = await gateway.ask(`/files/${file?.file_id}`, { method: 'HEAD' })
    if (head.headers.has('repr-digest')) return
  }
  throw new Error('The file was never copied.')
})
