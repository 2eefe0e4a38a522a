import { describe, expect, it } from 'vitest'
import type { FileObject } from '../../src/emulator/shapes.ts'
import { type Asking, openEmulator, refusal, startTime } from './ask.ts'

async function uploadText({ upload }: Asking, text: string, name: string): Promise<FileObject> {
  const answer = await upload('/files', new File([text], name), { purpose: 'assistants' })
  return (await answer.json()) as FileObject
}

const noEntity = { error: { code: 'notFound', message: 'The specified entity cannot be found.' } }

describe('the Files API', () => {
  it("gives an upload an id in Azure's form, and returns its name and bytes", async () => {
    const asking = openEmulator()
    const file = await uploadText(asking, '你好', '你好.txt')
    expect(file).toEqual({
      object: 'file',
      id: expect.stringMatching(/^assistant-[0-9A-Za-z]{22}$/),
      purpose: 'assistants',
      filename: '你好.txt',
      bytes: 6,
      created_at: startTime,
      expires_at: null,
      status: 'processed',
      status_details: null,
    })
    expect(await (await asking.get(`/files/${file.id}`)).json()).toEqual(file)
    const content = await asking.get(`/files/${file.id}/content`)
    expect(await content.text()).toBe('你好')
    expect(content.headers.get('content-disposition')).toContain("UTF-8''%E4%BD%A0%E5%A5%BD.txt")
  })

  it('serves the same files under the dated path', async () => {
    const asking = openEmulator()
    const { id } = await uploadText(asking, 'x', 'a.txt')
    const content = await asking.request(`/openai/files/${id}/content?api-version=2024-10-21`)
    expect(await content.text()).toBe('x')
  })

  it('has no container files, and answers with its own error', async () => {
    const asking = openEmulator()
    for (const id of ['cfile_68c9ddf564c48191be678656a5e878e4', 'assistant-none']) {
      for (const rest of ['', '/content']) {
        expect(await refusal(await asking.get(`/files/${id}${rest}`))).toEqual([404, noEntity])
      }
    }
  })

  it('lists by purpose, without deleted files', async () => {
    const asking = openEmulator()
    const { id } = await uploadText(asking, 'x', 'a.txt')
    await asking.upload('/files', new File(['y'], 'b.txt'), { purpose: 'batch' })
    const list = await (await asking.get('/files?purpose=assistants')).json()
    expect(list).toMatchObject({ first_id: id, last_id: id, has_more: false })
    const deleted = await asking.delete(`/files/${id}`)
    expect(await deleted.json()).toEqual({ id, object: 'file', deleted: true })
    expect((await asking.get(`/files/${id}`)).status).toBe(404)
  })

  it('refuses an upload without a file or a purpose', async () => {
    const asking = openEmulator()
    expect((await asking.upload('/files', new File(['x'], 'a.txt'))).status).toBe(400)
    const form = new FormData()
    form.set('purpose', 'assistants')
    const answer = await asking.request('/openai/v1/files', { method: 'POST', body: form })
    expect(answer.status).toBe(400)
  })
})
