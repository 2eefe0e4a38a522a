import { describe, expect, it } from 'vitest'
import { errorCode, json, openHarness, responseRequest } from '../../lib/harness.ts'

describe("a file's content, asked for by an SDK", () => {
  it('has the size limit of all downloads', async () => {
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

  it('is refused or aborted at the limit when its length was not announced', async () => {
    const { ask, respond, fault } = openHarness({ maxFileBytes: 1000 })
    const [large] = await respond('"large.bin" of 2000 bytes')
    const [small] = await respond('"small.bin" of 1000 bytes')
    await fault({ match: { path: '/content' }, no_length: true, times: 2 })
    const content = (file = large) =>
      ask(`/openai/v1/containers/${file?.container_id}/files/${file?.file_id}/content`)
    const refused = await content(large)
    expect([refused.status, await errorCode(refused)]).toEqual([502, 'file_too_large'])
    expect((await (await content(small)).arrayBuffer()).byteLength).toBe(1000)
  })

  it('cannot run in a browser, with any content type of the upstream', async () => {
    const { ask, respond, fault } = openHarness()
    const [file] = await respond('"page.html"')
    await fault({ match: { path: '/content' }, headers: { 'content-disposition': 'inline' } })
    const { headers } = await ask(
      `/v1/containers/${file?.container_id}/files/${file?.file_id}/content`,
    )
    expect(headers.get('content-type')).toContain('text/html')
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cache-control')).toBe('private, no-store, no-transform')
  })
})

describe('an event stream', () => {
  it.each(['off', 'annotate', 'rewrite'] as const)(
    'has headers that keep proxies from buffering or compressing it, with CFILE_LINKS=%s',
    async (links) => {
      const { ask } = openHarness({ links })
      for (const path of ['/openai/v1/responses', '/v1/chat/completions']) {
        const asked = { ...responseRequest('Hello.'), messages: [], stream: true }
        const { headers, body } = await ask(path, json(asked))
        expect(headers.get('content-type')).toContain('text/event-stream')
        expect(headers.get('cache-control')).toBe('no-cache, no-transform')
        expect(headers.get('x-accel-buffering')).toBe('no')
        await body?.cancel()
      }
    },
  )
})
