import { describe, expect, it } from 'vitest'
import {
  type CitedFile,
  errorCode,
  type Harness,
  json,
  openHarness,
  sha256,
} from '../lib/harness.ts'

async function original(gateway: Harness, { container_id, file_id }: CitedFile) {
  return gateway.upstream(`/containers/${container_id}/files/${file_id}/content`)
}

/** The file that the prompt asked for: the last citation, after the automatic plots. */
async function respondOne(gateway: Harness, prompt: string): Promise<CitedFile> {
  const file = (await gateway.respond(prompt)).at(-1)
  if (file === undefined) throw new Error(`nothing was cited for: ${prompt}`)
  return file
}

describe('GET /files/{file_id}', () => {
  it('serves a file by its id alone after its citation has passed', async () => {
    const gateway = openHarness()
    const files = await gateway.respond('Draw a bar chart and save the numbers as a CSV.')
    expect(files.length).toBeGreaterThanOrEqual(2)
    for (const file of files) {
      const download = await gateway.ask(`/files/${file.file_id}`)
      expect(download.status).toBe(200)
      const want = await sha256(await (await original(gateway, file)).arrayBuffer())
      expect(await sha256(await download.arrayBuffer())).toBe(want)
    }
  })

  it('has the name of the citation and a fitting type, and runs nothing', async () => {
    const gateway = openHarness()
    const { file_id, filename } = await respondOne(gateway, 'Save the numbers as a CSV.')
    const { headers } = await gateway.ask(`/files/${file_id}`)
    expect(headers.get('content-disposition')).toBe(
      `attachment; filename="${filename}"; filename*=UTF-8''${filename}`,
    )
    expect(headers.get('content-type')).toMatch(/^text\/csv/)
    expect(headers.get('content-length')).toMatch(/^\d+$/)
    expect(headers.get('etag')).toMatch(/^"[^"]+"$/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cache-control')).toBe('private, no-store, no-transform')
    expect(headers.get('x-request-id')).toBeTruthy()
    expect(headers.get('apim-request-id')).toBeTruthy()
  })

  it('needs one upstream request when the citation contained the name', async () => {
    const gateway = openHarness()
    const { file_id } = await respondOne(gateway, 'Save the numbers as a CSV.')
    await gateway.requests()
    await (await gateway.ask(`/files/${file_id}`)).arrayBuffer()
    expect(await gateway.requests()).toHaveLength(1)
  })

  it('answers HEAD like GET, without opening the content', async () => {
    const gateway = openHarness()
    const { file_id } = await respondOne(gateway, 'Draw a bar chart.')
    await gateway.requests()
    const head = await gateway.ask(`/files/${file_id}`, { method: 'HEAD' })
    expect(head.status).toBe(200)
    const requests = await gateway.requests()
    expect(requests.filter(({ path }) => path.endsWith('/content'))).toEqual([])
    const get = await gateway.ask(`/files/${file_id}`)
    for (const name of ['content-type', 'content-length', 'content-disposition', 'etag']) {
      expect(head.headers.get(name), name).toBe(get.headers.get(name))
    }
    expect((await head.arrayBuffer()).byteLength).toBe(0)
  })

  it('shows a picture inline on request, but never a page', async () => {
    const gateway = openHarness()
    const chart = await respondOne(gateway, 'Draw a bar chart.')
    const inline = await gateway.ask(`/files/${chart.file_id}?disposition=inline`)
    expect(inline.headers.get('content-disposition')).toMatch(/^inline;/)
    const page = await respondOne(gateway, 'Save the report as an HTML page.')
    const kept = await gateway.ask(`/files/${page.file_id}?disposition=inline`)
    expect(kept.headers.get('content-disposition')).toMatch(/^attachment;/)
  })

  it('shows CSV inline as plain text, since browsers download text/csv even inline', async () => {
    const gateway = openHarness()
    const { file_id } = await respondOne(gateway, 'Save the numbers as a CSV.')
    const path = `/files/${file_id}`
    const [inline, head, saved] = await Promise.all([
      gateway.ask(`${path}?disposition=inline`),
      gateway.ask(`${path}?disposition=inline`, { method: 'HEAD' }),
      gateway.ask(path),
    ])
    for (const { headers } of [inline, head]) {
      expect(headers.get('content-type')).toBe('text/plain; charset=utf-8')
      expect(headers.get('content-disposition')).toMatch(/^inline;/)
    }
    expect(saved.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(await inline.text()).toBe(await saved.text())
  })

  it('finds a file without a record when the container is named, and records it', async () => {
    const gateway = openHarness()
    const answer = await gateway.upstream('/responses', json({ ...csvRequest }))
    const [file] = citations(await answer.json())
    if (file === undefined) throw new Error('nothing was cited')
    const alone = await gateway.ask(`/files/${file.file_id}`)
    expect([alone.status, await errorCode(alone)]).toEqual([404, 'container_unknown'])
    const named = await gateway.ask(`/files/${file.file_id}?container_id=${file.container_id}`)
    expect(named.status).toBe(200)
    expect(named.headers.get('content-disposition')).toContain(file.filename)
    expect((await gateway.ask(`/files/${file.file_id}`)).status).toBe(200)
  })

  it('reports an expired container instead of a missing file', async () => {
    const gateway = openHarness()
    const { file_id } = await respondOne(gateway, 'Save the numbers as a CSV.')
    gateway.advance(2 * 3600)
    for (const method of ['GET', 'HEAD']) {
      expect((await gateway.ask(`/files/${file_id}`, { method })).status).toBe(410)
    }
    expect(await errorCode(await gateway.ask(`/files/${file_id}`))).toBe('container_expired')
  })

  it('serves files of the Files API on the same route', async () => {
    const gateway = openHarness()
    const form = new FormData()
    form.set('purpose', 'assistants')
    form.set('file', new File(['a,b\n1,2\n'], 'für alle.csv'))
    const upload = await gateway.upstream('/files', { method: 'POST', body: form })
    const { id } = (await upload.json()) as { id: string }
    const download = await gateway.ask(`/files/${id}`)
    expect(download.status).toBe(200)
    expect(await download.text()).toBe('a,b\n1,2\n')
    expect(download.headers.get('content-disposition')).toContain(
      "filename*=UTF-8''f%C3%BCr%20alle.csv",
    )
  })
})

const csvRequest = {
  model: 'gpt-4.1',
  input: 'Save the numbers as a CSV.',
  tools: [{ type: 'code_interpreter', container: { type: 'auto' } }],
}

function citations(body: unknown): CitedFile[] {
  const found: CitedFile[] = []
  JSON.stringify(body, (_, value) => {
    if (value?.type === 'container_file_citation') found.push(value)
    return value
  })
  return found
}

describe('bad input', () => {
  const malformed = [
    'resp_123',
    'cfile_',
    'cfile_a.b',
    'cfile_%2e%2e%2fkeys',
    'cfile_a%2F..%2F..%2Fdeployments',
    'cfile_%5c..%5c',
    'cfile_a%00',
    'cfile_a%0d%0aX:%20y',
    `cfile_${'a'.repeat(300)}`,
    'cfile_%F0%9F%98%80',
    'cfile_a%3Fx=1',
    '..%2fcfile_a',
  ]
  it.each(malformed)('refuses the id %s before any part of it reaches a URL', async (id) => {
    const gateway = openHarness()
    for (const path of [
      `/files/${id}`,
      `/containers/cntr_a/files/${id}`,
      `/files/cfile_a?container_id=${id}`,
    ]) {
      const answer = await gateway.ask(path)
      expect([answer.status, await errorCode(answer)], path).toEqual([400, 'invalid_id'])
    }
    expect(await gateway.requests()).toEqual([])
  })

  it('refuses an unknown disposition and a repeated parameter', async () => {
    const gateway = openHarness()
    for (const query of ['disposition=evil', 'disposition=inline&disposition=inline']) {
      const answer = await gateway.ask(`/files/cfile_a?container_id=cntr_a&${query}`)
      expect([answer.status, await errorCode(answer)]).toEqual([400, 'invalid_request'])
    }
  })

  it('lists the allowed methods', async () => {
    const answer = await openHarness().ask('/files/cfile_a', { method: 'PUT' })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, DELETE'])
    expect(await errorCode(answer)).toBe('method_not_allowed')
  })

  it('answers an unknown path with an error that SDKs parse', async () => {
    const answer = await openHarness().ask('/nothing')
    expect([answer.status, await errorCode(answer)]).toEqual([404, 'not_found'])
  })
})

describe('a failing download', () => {
  const bad: [kind: object, status: number, code: string][] = [
    [{ kind: 'html' }, 502, 'upstream_invalid'],
    [{ kind: 'redirect' }, 502, 'upstream_invalid'],
    [{ kind: 'resource_not_found' }, 502, 'upstream_invalid'],
    [{ kind: 'empty_204' }, 502, 'upstream_invalid'],
    [{ kind: 'server_error' }, 502, 'upstream_error'],
    [{ kind: 'rbac' }, 502, 'upstream_auth'],
    [{ kind: 'timeout' }, 504, 'upstream_timeout'],
    [{ kind: 'throttled' }, 429, 'upstream_throttled'],
  ]
  it.each(bad)('is answered with an error for %o, never with 200', async (fault, status, code) => {
    const gateway = openHarness()
    const { file_id } = await respondOne(gateway, 'Save the numbers as a CSV.')
    await gateway.fault({ ...fault, times: 1000 })
    const answer = await gateway.ask(`/files/${file_id}`)
    expect([answer.status, await errorCode(answer)]).toEqual([status, code])
  })

  it('ends when the upstream never answers', async () => {
    const gateway = openHarness({ upstreamTimeoutMs: 50 })
    const { file_id } = await respondOne(gateway, 'Save the numbers as a CSV.')
    await gateway.fault({ hang: true, times: 1000 })
    const answer = await gateway.ask(`/files/${file_id}`)
    expect([answer.status, await errorCode(answer)]).toEqual([504, 'upstream_timeout'])
  })

  it('is refused over the size limit, with the setting that raises it', async () => {
    const gateway = openHarness({ maxFileBytes: 10 })
    const { file_id } = await respondOne(gateway, 'Save the numbers as a CSV.')
    const answer = await gateway.ask(`/files/${file_id}`)
    expect(answer.status).toBe(502)
    const { error } = (await answer.json()) as { error: { code: string; param: string } }
    expect([error.code, error.param]).toEqual(['file_too_large', 'CFILE_MAX_FILE_BYTES'])
  })

  it('breaks when the body ends early, so that it does not look complete', async () => {
    const gateway = openHarness()
    const { file_id } = await respondOne(gateway, 'Save a 1 MB binary file.')
    await gateway.fault({ match: { path: '/content' }, cut_after: 1000, times: 1000 })
    const answer = await gateway.ask(`/files/${file_id}`)
    await expect(answer.arrayBuffer()).rejects.toThrow()
  })
})
