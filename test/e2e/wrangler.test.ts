import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { run } from '../lib/child.ts'
import { doMainJob } from '../lib/main-job.ts'
import { describeWith } from './engines.ts'
import { quiet, startWorker } from './worker.ts'

describeWith(['wrangler'], 'wrangler', (wrangler) => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cfile-wrangler-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Asks a Worker that runs on this machine, by the name that it is told it has. */
  async function dev<T>(args: readonly string[], ask: (base: string) => Promise<T>): Promise<T> {
    const worker = await startWorker(wrangler, folder, {}, args)
    try {
      return await ask(worker.url)
    } finally {
      await worker.stop()
    }
  }

  it('dev --local does the main job on the emulator, and says so', async () => {
    await dev([], async (base) => {
      await doMainJob(base)
      expect((await fetch(`${base}/healthz`)).headers.get('x-cfile-emulator')).toBe('1')
    })
  })

  it('refuses to serve everybody under a public host name', async () => {
    await dev(['--host', 'files.example.com'], async (base) => {
      const answer = await fetch(`${base}/files/cfile_1`)
      expect(answer.status).toBe(503)
      expect(answer.headers.get('x-cfile-emulator')).toBeNull()
      expect(await answer.json()).toMatchObject({
        error: { code: 'not_ready', param: 'CFILE_ALLOW_ANONYMOUS' },
      })
    })
  })

  it('deploy --dry-run builds a Worker with everything but the emulator', async () => {
    const out = join(folder, 'out')
    const { code, stderr } = await run(wrangler, ['deploy', '--dry-run', '--outdir', out], {
      env: quiet,
    })
    expect(stderr).not.toContain('ERROR')
    expect(code).toBe(0)
    const [name = ''] = readdirSync(out).filter((file) => file.endsWith('.js'))
    const bundle = readFileSync(join(out, name), 'utf8')
    // A megabyte in a report helps nobody.
    const holds = ['api-key', "cfile's emulator", '/emulator/faults', 'sales_chart.png']
    expect(holds.filter((text) => bundle.includes(text))).toEqual(['api-key'])
  })
})
