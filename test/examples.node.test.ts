import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Running, serve } from '../src/node.ts'
import { type Child, patient, root, run, start } from './lib/child.ts'
import { citedFiles, json, responseRequest } from './lib/harness.ts'
import { doMainJob } from './lib/main-job.ts'

const folders = readdirSync(`${root}/examples`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
const program = (name: string) => ['--conditions=@cfile/source', `examples/${name}/main.ts`]

describe('each example', () => {
  it('has a row in the table', () => {
    const table = readFileSync(`${root}/examples/README.md`, 'utf8')
    for (const name of folders) expect(table).toContain(`[${name}](${name}/main.ts)`)
  })

  it.each(folders)('%s is at most 50 lines', (name) => {
    const text = readFileSync(`${root}/examples/${name}/main.ts`, 'utf8')
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(50)
  })
})

describe.each(['hono', 'express'])('examples/%s', (name) => {
  describe.each([
    ['under a path', {}, '/ai'],
    ['at the root', { MOUNT: '/' }, ''],
  ])('%s', (_, env, path) => {
    let emulator: Running
    let child: Child
    beforeAll(async () => {
      emulator = await serve({ PORT: '0', LOG_LEVEL: 'silent' })
      const upstream = { AZURE_OPENAI_ENDPOINT: emulator.url, AZURE_OPENAI_API_KEY: 'any' }
      const port = String(await freePort())
      child = await start(process.execPath, program(name), {
        env: { ...env, ...upstream, PORT: port },
      })
    })
    afterAll(async () => {
      await child.stop()
      await emulator.close()
    })

    it('does the main job, and each of its links works', async () => {
      await doMainJob(child.url + path)
    })

    it('leaves the host app’s own routes alone', async () => {
      expect(await (await fetch(`${child.url}/hello`)).text()).toContain('own')
    })

    it('ends at SIGTERM', async () => {
      child.kill()
      expect((await child.ended).code).toBe(0)
    })
  })
})

describe('examples/files-api', () => {
  const hasPython = spawnSync('python3', ['--version']).status === 0
  const forms: [name: string, isThere: boolean, open: (cfileUrl: string) => Promise<Child>][] = [
    [
      'main.ts',
      true,
      async (CFILE_URL) => {
        const env = { CFILE_URL, PORT: String(await freePort()) }
        return start(process.execPath, program('files-api'), { env })
      },
    ],
    [
      'views.py',
      hasPython,
      (CFILE_URL) =>
        start('python3', ['test/fixtures/serve_view.py', 'examples/files-api/views.py'], {
          env: { CFILE_URL },
        }),
    ],
  ]

  describe.each(forms)('%s', (_, isThere, open) => {
    it.skipIf(!isThere)('serves a code interpreter file by its id alone', async () => {
      const gateway = await serve({ PORT: '0', LOG_LEVEL: 'silent' })
      const child = await open(gateway.url)
      onTestFinished(async () => {
        await child.stop()
        await gateway.close()
      })
      const names = ["Sales (Q1) 'draft' 100% é.csv", 'chart.png', 'data.bin']
      const prompt = `Save ${names.map((name) => `"${name}"`).join(', ')}.`
      const request = json(responseRequest(prompt))
      const answer = await fetch(`${gateway.url}/openai/v1/responses`, request)
      const files = citedFiles(await answer.json()).filter(({ filename }) =>
        names.includes(filename),
      )
      expect(files.map(({ filename }) => filename).sort()).toEqual(names.toSorted())
      for (const { file_id, filename } of files) {
        const served = await fetch(`${child.url}/openai_file_proxy/${file_id}`)
        const original = await fetch(`${gateway.url}/files/${file_id}`)
        expect([served.status, await served.bytes()]).toEqual([200, await original.bytes()])
        const disposition = served.headers.get('content-disposition') ?? ''
        expect(disposition).toMatch(/^attachment;/)
        const [, plain] = /filename="([^"]*)"/.exec(disposition) ?? []
        const [, coded] = /filename\*=utf-8''([A-Za-z0-9!#$&+.^_`|~%-]+)$/i.exec(disposition) ?? []
        expect(coded === undefined ? plain : decodeURIComponent(coded)).toBe(filename)
        expect(served.headers.get('content-type')).toMatch(
          /^(?:text\/csv|image\/png|application\/octet-stream)/,
        )
      }
      const missing = await fetch(`${child.url}/openai_file_proxy/cfile_nobodys`)
      expect(missing.status).toBe(404)
    })
  })
})

describe('examples/demo', () => {
  it('does the whole job and exits with 0', async () => {
    const { code, stdout, stderr } = await run(process.execPath, program('demo'))
    expect(stderr).toBe('')
    expect(stdout.match(/^ok {5}GET \/files\/cfile_/gm)).toHaveLength(3)
    expect(code).toBe(0)
    const readme = readFileSync(`${root}/docs/quick-start.md`, 'utf8')
    expect(readme.split('```').map(normalize)).toContain(normalize(stdout))
  })

  it('keeps running with --keep', async () => {
    const port = String(await freePort())
    const child = await start(process.execPath, [...program('demo'), '--keep'], {
      env: { PORT: port },
    })
    await expect.poll(() => child.output(), patient).toContain('Still serving')
    await doMainJob(child.url)
    await child.stop()
  })
})

/** Replaces values that differ in each run. */
function normalize(text: string): string {
  return text
    .trim()
    .replace(/cfile_[0-9a-f]{32}/g, 'cfile_ID')
    .replace(/127\.0\.0\.1:\d+/g, 'ADDRESS')
    .replace(/sha256 [0-9a-f]{64}/g, 'sha256 HASH')
}

function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
