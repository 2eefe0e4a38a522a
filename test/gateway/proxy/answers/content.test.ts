import { describe, expect, it } from 'vitest'
import { errorCode, openHarness } from '../../../lib/harness.ts'

const content = { match: { path: '/content' } }

async function withFile() {
  const gateway = openHarness()
  const file = (await gateway.respond('Save a 200 KB binary file.')).at(-1)
  const path = `/containers/${file?.container_id}/files/${file?.file_id}/content`
  const bytes = new Uint8Array(await (await gateway.upstream(path)).arrayBuffer())
  return { gateway, path: `/openai/v1${path}`, bytes }
}

async function withUpload() {
  const gateway = openHarness()
  const bytes = new Uint8Array(200_000).map((_, at) => (at * 31) ^ (at >> 8))
  const form = new FormData()
  form.set('purpose', 'user_data')
  form.set('file', new File([bytes], 'a.bin'))
  const made = await gateway.ask('/openai/v1/files', { method: 'POST', body: form })
  const { id } = (await made.json()) as { id: string }
  return { gateway, path: `/openai/v1/files/${id}/content`, bytes }
}

const bytesOf = async (answer: Response) => new Uint8Array(await answer.arrayBuffer())

describe.each([
  ['a file of a container', withFile],
  ['an uploaded file', withUpload],
])('%s that an SDK downloads', (_, open) => {
  it.each([
    ['knows ranges', { range: true }],
    ['knows no ranges', {}],
    ['announces no length', { no_length: true }],
  ])('is resumed where it breaks off, if the upstream %s', async (__, mood) => {
    const { gateway, path, bytes } = await open()
    await gateway.fault([
      { ...content, ...mood, times: 10 },
      { ...content, cut_after: 20_000 },
      { ...content, cut_after: 40_000 },
      { ...content, status: 503 },
    ])
    expect(await bytesOf(await gateway.ask(path))).toEqual(bytes)
  })

  it('is resumed within a range', async () => {
    const { gateway, path, bytes } = await open()
    await gateway.fault([
      { ...content, range: true, times: 10 },
      { ...content, cut_after: 25_000 },
    ])
    const answer = await gateway.ask(path, { headers: { range: 'bytes=10000-49999' } })
    expect(answer.status).toBe(206)
    expect(answer.headers.get('content-range')).toBe(`bytes 10000-49999/${bytes.length}`)
    expect(await bytesOf(answer)).toEqual(bytes.slice(10_000, 50_000))
  })

  it('breaks off if the file has changed or stays truncated', async () => {
    const { gateway, path } = await open()
    await gateway.fault([
      { ...content, cut_after: 20_000 },
      { ...content, change_content: 0 },
    ])
    await expect(gateway.ask(path).then(bytesOf)).rejects.toThrow()
    await gateway.fault({ ...content, cut_after: 20_000, times: 100 })
    await expect(gateway.ask(path).then(bytesOf)).rejects.toThrow()
  })

  it('is an error with a code if none of its bytes arrive', async () => {
    const { gateway, path } = await open()
    await gateway.fault({ ...content, cut_after: 0, times: 100 })
    const answer = await gateway.ask(path)
    expect([answer.status, await errorCode(answer)]).toEqual([502, 'upstream_error'])
  })
})
