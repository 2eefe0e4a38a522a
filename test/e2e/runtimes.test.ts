import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type Child, isOpen, patient, root, run, start } from '../lib/child.ts'
import { citedFiles, json, responseRequest } from '../lib/harness.ts'
import { doMainJob } from '../lib/main-job.ts'
import { describeWith } from './engines.ts'

const cli = `${root}src/cli.ts`
const env = { PORT: '0', CFILE_STORE: 'memory:' }

/** What every runtime must do that has a door of its own. */
function serves(command: string, args: readonly string[]): void {
  describe('cfile serve', () => {
    let child: Child
    beforeAll(async () => {
      child = await start(command, [...args, 'serve'], { env })
    })
    afterAll(() => child.stop())

    it('says in its first line that it runs on the emulator, and does the main job', async () => {
      expect(child.output().split('\n')[0]).toContain('on its built-in emulator')
      await doMainJob(child.url)
    })

    it('records what a stream cites before the client sees it', async () => {
      const request = responseRequest('Save a CSV', { stream: true })
      const answer = await fetch(`${child.url}/openai/v1/responses`, json(request))
      let text = ''
      for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += chunk
        const [id] = /"file_id":"(cfile_\w+)"/.exec(text)?.slice(1) ?? []
        if (id !== undefined) {
          expect((await fetch(`${child.url}/files/${id}`)).status).toBe(200)
        }
      }
      expect(text).toContain('event: response.completed')
    })

    it('passes answers over WebSockets to clients and from upstreams', async () => {
      const { url: upstream } = child
      const settings = { AZURE_OPENAI_ENDPOINT: upstream, AZURE_OPENAI_API_KEY: 'any' }
      const gateway = await start(command, [...args, 'serve'], { env: { ...env, ...settings } })
      const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/openai/v1/responses`)
      const texts: string[] = []
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.on('message', (data) => texts.push(String(data)))
      await once(socket, 'open')
      const message = { type: 'response.create', ...responseRequest('Save a CSV') }
      socket.send(JSON.stringify(message))
      await expect.poll(() => texts.at(-1), patient).toContain('"response.completed"')
      const [id] = /"file_id":"(cfile_\w+)"/.exec(texts.join())?.slice(1) ?? []
      expect((await fetch(`${gateway.url}/files/${id}`)).status).toBe(200)
      socket.send('{"type":"response.create"}')
      await expect.poll(() => texts.at(-1), patient).toContain('"type":"error"')
      await gateway.stop()
      await closed
    })

    it('serves ranges, HEAD, and errors in their envelope', async () => {
      const answer = await fetch(
        `${child.url}/openai/v1/responses`,
        json(responseRequest('Save a 3 MB binary file')),
      )
      const [file] = citedFiles(await answer.json())
      const url = `${child.url}/files/${file?.file_id}`
      const part = await fetch(url, { headers: { range: 'bytes=1000000-1000009' } })
      expect(part.status).toBe(206)
      expect((await part.arrayBuffer()).byteLength).toBe(10)
      const head = await fetch(url, { method: 'HEAD' })
      expect(head.headers.get('content-length')).toBe('3000000')
      const missing = await fetch(`${child.url}/files/cfile_nobodys`)
      expect(await missing.json()).toMatchObject({ error: { code: 'container_unknown' } })
    })

    it('finishes a download after SIGTERM, and exits with 0', async () => {
      const answer = await fetch(
        `${child.url}/openai/v1/responses`,
        json(responseRequest('Save a 60 MB binary file')),
      )
      const [file] = citedFiles(await answer.json())
      const download = await fetch(`${child.url}/files/${file?.file_id}`)
      child.kill()
      await expect.poll(() => isOpen(child), patient).toBe(false)
      expect((await download.arrayBuffer()).byteLength).toBe(60_000_000)
      expect((await child.ended).code).toBe(0)
    })
  })

  it('reports a wrong setting in one line', async () => {
    const { code, stderr } = await run(command, [...args, 'serve'], { env: { PORT: 'eighty' } })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^cfile: PORT got "eighty", but takes a port.*\n$/)
  })
}

describeWith(['bun'], 'Bun', (bun) => {
  serves(bun, [cli])

  it('passes the HTTP tests', async () => {
    const args = ['--bun', 'node_modules/vitest/vitest.mjs', 'run', '--project', 'node']
    const { code, stdout, stderr } = await run(bun, [...args, '--pool', 'threads', ...httpTests])
    expect(code, stdout.slice(-4000) + stderr.slice(-2000)).toBe(0)
  })
})

describeWith(['deno'], 'Deno', (deno) => {
  serves(deno, ['run', '-A', '--no-check', '--quiet', cli])

  it('passes the HTTP tests', async () => {
    const args = ['run', '-A', '--no-check', '--quiet', 'node_modules/vitest/vitest.mjs', 'run']
    const { code, stdout, stderr } = await run(deno, [
      ...args,
      '--project',
      'node',
      '--pool',
      'forks',
      ...httpTests,
    ])
    expect(code, stdout.slice(-4000) + stderr.slice(-2000)).toBe(0)
  })
})

const httpTests = [
  'test/routes/files.test.ts',
  'test/routes/containers.test.ts',
  'test/routes/docs.test.ts',
]
