import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Child, isOpen, patient, root, run, start } from '../lib/child.ts'
import { citedFiles, json, responseRequest } from '../lib/harness.ts'
import { doMainJob } from '../lib/main-job.ts'
import { describeWith } from './engines.ts'

const cli = `${root}src/cli.ts`
const env = { PORT: '0', CFILE_STORE: 'memory:' }

/** Sends bytes and returns the status of the answer; `undefined` when the connection ends without one. */
function statusOf(url: string, bytes: string): Promise<number | undefined> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname, () => socket.write(bytes))
  return new Promise((resolve) => {
    socket.on('error', () => resolve(undefined))
    socket.once('close', () => resolve(undefined))
    socket.once('data', (data) => {
      socket.destroy()
      resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(String(data))?.[1]))
    })
  })
}

/**
 * What every runtime must do that has a door of its own.
 *
 * @param unknownMethod status for an unknown method, which is 405 where the runtime passes it to cfile
 */
function serves(command: string, args: readonly string[], unknownMethod: number | undefined): void {
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

    it('refuses requests that name several hosts or none that is one', async () => {
      const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
      const hosts = [
        'Host: a\r\nHost: b',
        'Host: a, b',
        'Host: a b',
        `Host: a\r\nHost: b\r\n${upgrade}X: y`,
      ]
      for (const lines of hosts) {
        const bytes = `GET /healthz HTTP/1.1\r\n${lines}\r\n\r\n`
        expect(await statusOf(child.url, bytes), lines).toBe(400)
      }
      expect(await statusOf(child.url, 'GET /healthz HTTP/1.1\r\nHost: a:80\r\n\r\n')).toBe(200)
    })

    it('serves no unknown methods', async () => {
      for (const method of ['FOO', 'get']) {
        const bytes = `${method} /healthz HTTP/1.1\r\nHost: a\r\n\r\n`
        expect(await statusOf(child.url, bytes)).toBe(unknownMethod)
      }
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

describeWith(['bun'], 'Bun', (bun) =>
  // Bun ends the connection without an answer.
  serves(bun, [cli], undefined),
)

describeWith(['deno'], 'Deno', (deno) =>
  serves(deno, ['run', '-A', '--no-check', '--quiet', cli], 405),
)
