/**
 * `cfile restore` brings the archived files of a container back.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { hash, startAzure } from '../e2e/azure.ts'
import { cfile, patient, startServer } from '../lib/child.ts'
import { citedFiles, json, responseRequest } from '../lib/harness.ts'

const annKey = 'a-key-of-ann-of-sixteen'
const bobKey = 'a-key-of-bob-of-sixteen'

/** A gateway with an archive that has a copy of ann's file. */
async function openArchived() {
  const azure = await startAzure()
  const folder = await mkdtemp(join(tmpdir(), 'cfile-restore-'))
  const gateway = await startServer({
    ...azure.env,
    CFILE_STORE: 'memory:',
    CFILE_ARCHIVE: `fs:${folder}`,
    CFILE_API_KEYS: `ann:${annKey},bob:${bobKey}`,
    LOG_LEVEL: 'silent',
  })
  onTestFinished(async () => {
    await gateway.stop()
    await azure.close()
    await rm(folder, { recursive: true })
  })
  const ask = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${annKey}`)
    return fetch(gateway.url + path, { ...init, headers })
  }
  const answer = await ask('/openai/v1/responses', json(responseRequest('Write a CSV')))
  const [file] = citedFiles(await answer.json())
  if (file === undefined) throw new Error('Nothing was cited.')
  const head = () => ask(`/files/${file.file_id}`, { method: 'HEAD' })
  await expect.poll(async () => (await head()).headers.has('repr-digest'), patient).toBe(true)
  const run = (key: string, ...args: string[]) =>
    cfile(['restore', ...args], { env: { CFILE_URL: gateway.url, CFILE_KEY: key } })
  return { azure, ask, file, run }
}

describe('cfile restore', () => {
  it('prints the id of a new container that holds the archived files', async () => {
    const { azure, ask, file, run } = await openArchived()
    const before = await hash(await ask(`/files/${file.file_id}`))
    azure.advance(2 * 3600)
    const { code, stdout, stderr } = await run(annKey, file.container_id)
    expect([code, stderr]).toEqual([0, ''])
    const [id = ''] = stdout.split('\n')
    expect(id).toMatch(/^cntr_\w+$/)
    expect(id).not.toBe(file.container_id)
    expect(stdout).toContain(`/mnt/data/${file.filename}`)
    const restored = await ask(`/containers/${id}/path/${file.filename}`)
    expect([restored.status, await hash(restored)]).toEqual([200, before])
    const asJson = await run(annKey, file.container_id, '--json')
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      container_id: expect.stringMatching(/^cntr_/),
      files: [{ path: `/mnt/data/${file.filename}` }],
    })
  })

  it('ends with 3 for a container of another owner, one without archived files, and an unknown one', async () => {
    const { azure, ask, file, run } = await openArchived()
    azure.advance(2 * 3600)
    const others = await run(bobKey, file.container_id)
    const nobodys = await run(bobKey, `cntr_${'0'.repeat(48)}`)
    expect([others.code, others.stdout]).toEqual([3, ''])
    expect(others.stderr).toBe(nobodys.stderr)
    const { id } = (await (await ask('/openai/v1/containers', json({ name: 'empty' }))).json()) as {
      id: string
    }
    azure.advance(2 * 3600)
    const empty = await run(annKey, id)
    expect(empty.code).toBe(3)
    expect(empty.stderr).toContain('CFILE_ARCHIVE')
  })

  it('exits with 2 and shows its usage without an id, or says that the id is wrong', async () => {
    expect(await cfile(['restore'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Usage: cfile restore CONTAINER'),
    })
    const { run } = await openArchived()
    const wrong = await run(annKey, '../files')
    expect([wrong.code, wrong.stdout]).toEqual([2, ''])
    expect(wrong.stderr).toMatch(/^cfile: .*container/i)
  })
})
