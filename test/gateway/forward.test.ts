import { describe, expect, it } from 'vitest'
import { errorCode, openHarness } from '../harness.ts'

describe("a file's content, asked for by an SDK", () => {
  it('has the limit that it has on every route', async () => {
    const { ask, respond } = openHarness({ maxFileBytes: 1000 })
    const [large] = await respond('"large.bin" of 2000 bytes')
    const [small] = await respond('"small.bin" of 1000 bytes')
    const content = (file = large) =>
      ask(`/openai/v1/containers/${file?.container_id}/files/${file?.file_id}/content`)
    const refused = await content(large)
    expect(refused.status).toBe(502)
    expect(await errorCode(refused)).toBe('file_too_large')
    const passed = await content(small)
    expect(passed.status).toBe(200)
    expect((await passed.arrayBuffer()).byteLength).toBe(1000)
  })
})
