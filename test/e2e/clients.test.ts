/**
 * Links in common clients: each gets the file, and those that save it use its name.
 */

import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { citedFiles, json, responseRequest, sha256 } from '../lib/harness.ts'
import { type Served, serveApp } from '../lib/served.ts'
import { describeWith } from './engines.ts'

const run = promisify(execFile)
const env = { ...process.env, LC_ALL: 'C.UTF-8' }
const name = 'Umsätze 50% (1).csv'

let emulator: Served
let gateway: Served
let link = ''
let sum = ''
let folder = ''

beforeAll(async () => {
  emulator = await serveApp(createEmulator())
  // The port is known once it is listened on, and links need it.
  let app: Parameters<typeof serveApp>[0] = { fetch: async () => new Response() }
  gateway = await serveApp({ fetch: (...all) => app.fetch(...all) })
  app = createApp({
    publicUrl: `${gateway.url}/ai`,
    upstreams: [{ endpoint: emulator.url, credential: apiKey('a-secret-key') }],
  })
  const answer = await fetch(`${gateway.url}/v1/responses`, json(responseRequest('Save a CSV.')))
  const [file] = citedFiles(await answer.json())
  sum = await sha256(await (await fetch(`${gateway.url}/files/${file?.file_id}`)).arrayBuffer())
  const post = json({ file_id: file?.file_id, filename: name })
  const made = await fetch(`${gateway.url}/links`, post)
  link = ((await made.json()) as { download_url: string }).download_url
  folder = await mkdtemp(join(tmpdir(), 'cfile-clients-'))
})

afterAll(async () => {
  await gateway.close()
  await emulator.close()
  await rm(folder, { recursive: true })
})

/** What a client saves, each in a folder of its own. */
async function saved(program: string, args: readonly string[]): Promise<string> {
  const own = await mkdtemp(join(folder, 'client-'))
  await run(program, args, { cwd: own, env })
  const names = await readdir(own)
  expect(names).toHaveLength(1)
  const bytes = await readFile(join(own, names[0] ?? ''))
  expect(await sha256(new Uint8Array(bytes).buffer)).toBe(sum)
  return names[0] ?? ''
}

/** The link as it was made, and as trackers and URL libraries leave it. */
const forms = (): string[] => [
  link,
  link.replace('/ai/s/', '/s/'),
  link.replaceAll('%28', '(').replaceAll('%29', ')'),
]

describeWith(['wget'], 'wget', (wget) => {
  it('saves the file under its name by default', async () => {
    for (const form of forms()) expect(await saved(wget, ['-q', form])).toBe(name)
  })
})

describeWith(['curl'], 'curl', (curl) => {
  it('saves the file under the name of the answer when a query is added to the link', async () => {
    for (const form of [...forms(), `${link}?utm_source=mail&b=2&a=1`]) {
      expect(await saved(curl, ['-sfOJ', form])).toBe('Ums_tze 50_ (1).csv')
    }
  })

  it('gets a link whose name it normalises or that has no name', async () => {
    const bare = link.slice(0, link.lastIndexOf('/'))
    for (const form of [bare, `${bare}/`, `${bare}/./${name.length}`, `${link}/`]) {
      await saved(curl, ['-sf', '-o', 'file', '--globoff', form])
    }
  })
})

/** Asks with each library that is there, as it is: some parse a URL anew and write it in their own way. */
const script = `
import asyncio, hashlib, sys, urllib.request
def told(name, body): print(name, hashlib.sha256(body).hexdigest())
url = sys.argv[1]
told('urllib', urllib.request.urlopen(url).read())
try:
    import requests
    told('requests', requests.get(url, params={'utm_source': 'a b', 'a': '1'}).content)
except ImportError: pass
try:
    import httpx
    told('httpx', httpx.get(url, params={'utm_source': 'a b'}).content)
except ImportError: pass
try:
    import aiohttp
    async def get():
        async with aiohttp.ClientSession() as session:
            async with session.get(url, params={'z': '1', 'a': 'ü'}) as answer:
                told('aiohttp', await answer.read())
    asyncio.run(get())
except ImportError: pass
`

describeWith(['python3'], 'Python', (python) => {
  it('gets the file with urllib, and with requests, httpx and aiohttp if they are installed', async () => {
    const { stdout } = await run(python, ['-c', script, link], { env })
    const sums = stdout.trim().split('\n')
    expect(sums.length).toBeGreaterThanOrEqual(1)
    process.stdout.write(`Python: ${sums.map((line) => line.split(' ')[0]).join(', ')}\n`)
    for (const line of sums) expect(line).toContain(sum)
  })
})
