import { describe, expect, it } from 'vitest'
import { type Harness, openHarness } from '../../lib/harness.ts'

const maxFileBytes = 1000

function form(bytes: number): FormData {
  const data = new FormData()
  data.append('purpose', 'assistants')
  data.append('file', new Blob([new Uint8Array(bytes)]), 'data.bin')
  return data
}

/** With and without a `Content-Length`. */
const ways = {
  announced: async (data: FormData): Promise<RequestInit> => {
    const { headers, bytes } = await written(data)
    headers.set('content-length', String(bytes.byteLength))
    return { method: 'POST', headers, body: bytes }
  },
  chunked: async (data: FormData): Promise<RequestInit> => {
    const { headers, bytes } = await written(data)
    const body = new Blob([bytes]).stream()
    return { method: 'POST', headers, body, duplex: 'half' } as RequestInit
  },
}

async function written(data: FormData) {
  const request = new Request('http://localhost', { method: 'POST', body: data })
  return { headers: new Headers(request.headers), bytes: await request.arrayBuffer() }
}

async function filesOf({ upstream }: Harness): Promise<unknown[]> {
  const { data } = (await (await upstream('/files')).json()) as { data: unknown[] }
  return data
}

describe.each(Object.entries(ways))('an upload, %s', (_, send) => {
  it('above CFILE_MAX_FILE_BYTES is refused, so that no caller fills the resource', async () => {
    const harness = openHarness({ maxFileBytes })
    const answer = await harness.ask('/openai/v1/files', await send(form(5 * maxFileBytes)))
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({
      error: { code: 'payload_too_large', param: 'CFILE_MAX_FILE_BYTES' },
    })
    expect(await filesOf(harness)).toEqual([])
  })

  it('of exactly that size passes, with any fields beside the file', async () => {
    const { ask } = openHarness({ maxFileBytes })
    const answer = await ask('/openai/v1/files', await send(form(maxFileBytes)))
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ bytes: maxFileBytes })
  })
})
