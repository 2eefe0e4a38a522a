import { describe, expect, it } from 'vitest'
import { memoryArchive } from '../../src/archives/memory.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { testSha256 } from '../archives/contract.ts'
import { openCallers } from '../lib/callers.ts'
import { errorCode, openHarness } from '../lib/harness.ts'

const prompt = 'Save the numbers as a CSV.'
const bases = ['/openai/v1/files', '/v1/files', '/openai/files']
const urlOf = (base: string, rest: string) =>
  `${base}/${rest}${base === '/openai/files' ? '?api-version=2025-04-01-preview' : ''}`

async function withFile() {
  const gateway = openHarness()
  const file = (await gateway.respond(prompt)).at(-1)
  if (file === undefined) throw new Error('Nothing was cited.')
  const bytes = await (await gateway.ask(`/files/${file.file_id}`)).bytes()
  return { gateway, file, bytes }
}

describe.each(bases)('a container file under %s', (base) => {
  it('is described as a file of the Files API, so that code for the Assistants API works', async () => {
    const { gateway, file, bytes } = await withFile()
    const answer = await gateway.ask(urlOf(base, file.file_id))
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({
      id: file.file_id,
      object: 'file',
      bytes: bytes.byteLength,
      created_at: 1_790_000_000,
      filename: file.filename,
      purpose: 'assistants_output',
      status: 'processed',
      container_id: file.container_id,
    })
  })

  it('is downloaded with its name and with ranges', async () => {
    const { gateway, file, bytes } = await withFile()
    const url = urlOf(base, `${file.file_id}/content`)
    const whole = await gateway.ask(url)
    expect(await whole.bytes()).toEqual(bytes)
    expect(whole.headers.get('content-disposition')).toContain(`filename="${file.filename}"`)
    const part = await gateway.ask(url, { headers: { range: 'bytes=2-4' } })
    expect([part.status, await part.bytes()]).toEqual([206, bytes.slice(2, 5)])
    const head = await gateway.ask(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, `${bytes.byteLength}`])
  })

  it('is deleted upstream and here', async () => {
    const { gateway, file } = await withFile()
    const answer = await gateway.ask(urlOf(base, file.file_id), { method: 'DELETE' })
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { id: file.file_id, object: 'file', deleted: true },
    ])
    const path = `/containers/${file.container_id}/files/${file.file_id}`
    expect((await gateway.upstream(path)).status).toBe(404)
    expect((await gateway.ask(urlOf(base, file.file_id))).status).toBe(404)
  })
})

describe('the Files API for container files', () => {
  it('sends no upstream request for an id without a record, unless its container is named', async () => {
    const { gateway: other, file } = await withFile()
    const gateway = openHarness({
      upstreams: [
        {
          endpoint: 'http://emulator.localhost',
          credential: apiKey('a-secret-key'),
          fetch: async (input, init) => other.emulator.fetch(new Request(input, init)),
        },
      ],
    })
    await other.requests()
    for (const init of [{}, { method: 'DELETE' }]) {
      const answer = await gateway.ask(`/v1/files/${file.file_id}`, init)
      expect([answer.status, await errorCode(answer)]).toEqual([404, 'file_not_found'])
    }
    expect(await other.requests()).toEqual([])
    const named = await gateway.ask(`/v1/files/${file.file_id}?container_id=${file.container_id}`)
    expect(named.status).toBe(200)
    expect((await gateway.ask(`/v1/files/${file.file_id}/content`)).status).toBe(200)
  })

  it('separates owners', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer(prompt)
    for (const rest of [file.file_id, `${file.file_id}/content`]) {
      expect((await gateway.as('ann').ask(`/v1/files/${rest}`)).status).toBe(200)
      const answer = await gateway.as('bob').ask(`/v1/files/${rest}`)
      expect([answer.status, await errorCode(answer)]).toEqual([404, 'file_not_found'])
    }
    const remove = { method: 'DELETE' }
    expect((await gateway.as('bob').ask(`/v1/files/${file.file_id}`, remove)).status).toBe(404)
    expect((await gateway.as('ann').ask(`/v1/files/${file.file_id}`)).status).toBe(200)
  })

  it('serves the archived copy of an expired container', async () => {
    const work: Promise<unknown>[] = []
    const gateway = openHarness({
      archive: memoryArchive({ createSha256: testSha256, now: () => 1_790_000_000 }),
      waitUntil: (promise) => void work.push(promise),
    })
    const file = (await gateway.respond(prompt)).at(-1)
    while (work.length > 0) await Promise.allSettled(work.splice(0))
    gateway.advance(7200)
    const answer = await gateway.ask(`/v1/files/${file?.file_id}`)
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { filename: file?.filename, created_at: 1_790_000_000 },
    ])
    expect((await gateway.ask(`/v1/files/${file?.file_id}/content`)).status).toBe(200)
  })

  it('erases the record of a file that the upstream no longer has', async () => {
    const { gateway, file } = await withFile()
    await gateway.upstream(`/containers/${file.container_id}`, { method: 'DELETE' })
    const answer = await gateway.ask(`/v1/files/${file.file_id}`, { method: 'DELETE' })
    expect(answer.status).toBe(200)
  })

  it('erases nothing when the upstream fails, so that the request can be repeated', async () => {
    const { gateway, file } = await withFile()
    await gateway.fault({ match: { method: 'DELETE' }, status: 500, times: 1 })
    const remove = () => gateway.ask(`/v1/files/${file.file_id}`, { method: 'DELETE' })
    expect((await remove()).status).toBe(502)
    expect((await remove()).status).toBe(200)
  })

  it('serves only GET, HEAD and DELETE', async () => {
    const { gateway, file } = await withFile()
    const answer = await gateway.ask(`/v1/files/${file.file_id}`, { method: 'POST', body: '{}' })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, DELETE'])
  })

  it('forwards the upstream’s own files', async () => {
    const { gateway } = await withFile()
    await gateway.requests()
    await gateway.ask('/v1/files/file-abc')
    expect(await gateway.requests()).toEqual([
      expect.objectContaining({ path: '/openai/v1/files/file-abc' }),
    ])
  })
})
