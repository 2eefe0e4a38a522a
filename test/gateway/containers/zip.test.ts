import { describe, expect, it } from 'vitest'
import { openArchived } from '../../lib/archived.ts'
import { errorCode, json, openHarness } from '../../lib/harness.ts'
import { unzip } from '../../lib/unzip.ts'

async function withContainer(prompt: string, gateway = openHarness()) {
  const files = await gateway.respond(prompt)
  const path = `/containers/${files[0]?.container_id}/files.zip`
  await gateway.requests()
  return { gateway, files, path }
}

const namesIn = (zip: Uint8Array<ArrayBuffer>): string[] => [...unzip(zip).keys()].sort()

const zipIn = async (answer: Response) => new Uint8Array(await answer.arrayBuffer())

describe('GET /containers/{container_id}/files.zip', () => {
  it('has every file that code wrote, cited or not, and announces its length', async () => {
    const { gateway, path } = await withContainer('Save "a.csv" and "out/b.txt". [uncited]')
    const answer = await gateway.ask(path)
    expect(answer.headers.get('content-type')).toBe('application/zip')
    expect(answer.headers.get('content-disposition')).toMatch(
      /^attachment; filename="cntr_\w+\.zip"/,
    )
    const zip = await zipIn(answer)
    expect(answer.headers.get('content-length')).toBe(String(zip.byteLength))
    const names = namesIn(zip)
    expect(names).toContain('a.csv')
    expect(names.some((name) => name.endsWith('b.txt'))).toBe(true)
  })

  it('takes one request for the list and one for each file', async () => {
    const { gateway, path } = await withContainer('Save 5 files.')
    const names = namesIn(await zipIn(await gateway.ask(path)))
    expect(await gateway.requests()).toHaveLength(1 + names.length)
  })

  it('reads all pages of the list', async () => {
    const { gateway, path } = await withContainer('Save 150 files.')
    expect(namesIn(await zipIn(await gateway.ask(path)))).toHaveLength(150)
  })

  it('includes files of unknown length, and then announces no length', async () => {
    const { gateway, path } = await withContainer('Save "a.csv" and "out/b.txt". [null bytes]')
    for (const method of ['GET', 'HEAD']) {
      const answer = await gateway.ask(path, { method })
      expect([answer.status, answer.headers.get('content-length')]).toEqual([200, null])
      if (method === 'HEAD') continue
      const zip = await zipIn(answer)
      expect(namesIn(zip)).toEqual(['a.csv', 'out/b.txt'])
      const sizes = [...unzip(zip).values()].map(({ byteLength }) => byteLength)
      expect(Math.min(...sizes)).toBeGreaterThan(0)
    }
  })

  it('leaves out rows in which Azure joins several paths', async () => {
    const { gateway, path } = await withContainer('Save 3 files. [glued]')
    const names = namesIn(await zipIn(await gateway.ask(path)))
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((name) => name.includes('mnt'))).toEqual([])
  })

  it('is refused when its first file, of unknown length, exceeds the limit', async () => {
    const { gateway, path } = await withContainer(
      'Save a 5 KB binary file. [null bytes]',
      openHarness({ maxFileBytes: 4000 }),
    )
    const answer = await gateway.ask(path)
    expect([answer.status, await errorCode(answer)]).toEqual([502, 'file_too_large'])
  })

  it('is empty for an empty container', async () => {
    const gateway = openHarness()
    const made = await gateway.ask('/openai/v1/containers', json({ name: 'empty' }))
    const { id } = (await made.json()) as { id: string }
    const zip = await zipIn(await gateway.ask(`/containers/${id}/files.zip`))
    expect(zip.byteLength).toBe(22)
  })

  it('resumes a file that breaks off, and breaks when that fails', async () => {
    const { gateway, path } = await withContainer('Save a 200 KB binary file.')
    const content = { match: { path: '/content' }, cut_after: 100_000 }
    await gateway.fault({ ...content, times: 2 })
    expect(namesIn(await zipIn(await gateway.ask(path)))).toContain('data.bin')
    await gateway.fault({ ...content, times: 1000 })
    await expect((await gateway.ask(path)).arrayBuffer()).rejects.toThrow()
  })

  it('is refused when a file has another length than listed and nothing was sent yet', async () => {
    const { gateway, path } = await withContainer('Save "a.txt".')
    await gateway.fault({
      match: { path: '/content' },
      body: 'x',
      headers: { 'content-length': '1' },
    })
    const answer = await gateway.ask(path)
    expect([answer.status, await errorCode(answer)]).toEqual([502, 'upstream_invalid'])
  })

  it('is refused over the limit', async () => {
    const { gateway, path } = await withContainer(
      'Save a 5 KB binary file.',
      openHarness({ maxFileBytes: 4000 }),
    )
    const answer = await gateway.ask(path)
    expect([answer.status, await errorCode(answer)]).toEqual([502, 'file_too_large'])
  })

  it('reports an expired container', async () => {
    const { gateway, path } = await withContainer('Save "a.txt".')
    gateway.advance(2 * 3600)
    const answer = await gateway.ask(path)
    expect([answer.status, await errorCode(answer)]).toEqual([410, 'container_expired'])
  })

  it('has the archived files of a container that has just expired, also right after a list of it', async () => {
    const gateway = openArchived()
    const { path, files } = await withContainer('Save "a.csv" and "b.txt". [uncited]', gateway)
    await gateway.settled()
    expect((await gateway.ask(path.replace(/\.zip$/, ''))).status).toBe(200)
    await gateway.fault({ match: { path: '/containers' }, status: 404, times: 1000 })
    const answer = await gateway.ask(path)
    expect(answer.status).toBe(200)
    expect(namesIn(await zipIn(answer))).toEqual(files.map(({ filename }) => filename))
  })

  it('answers HEAD without opening a file', async () => {
    const { gateway, path } = await withContainer('Save 5 files.')
    const head = await gateway.ask(path, { method: 'HEAD' })
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(100)
    expect(await gateway.requests()).toHaveLength(1)
  })
})
