import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

describeWith(['bun'], 'Bun', (bun) => serves(bun, [cli]))

describeWith(['deno'], 'Deno', (deno) => serves(deno, ['run', '-A', '--no-check', '--quiet', cli]))
