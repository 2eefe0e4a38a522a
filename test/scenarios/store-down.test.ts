import { describe, expect, it } from 'vitest'
import { webHmac } from '../../src/core/links/keys.ts'
import { createAuthenticate, createKeyRing } from '../../src/routes/callers/callers.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import type { Store } from '../../src/stores/store.ts'
import { errorCode, grantIn, json, openHarness, pathOf, responseRequest } from '../lib/harness.ts'

/** An operation of the store and its key. */
type Fails = (what: keyof Store, key: string) => boolean

/** A store that can be made to fail, as a whole or in part. */
function breakableStore() {
  const inner = memoryStore({ now: () => 1_790_000_000 })
  let fails: Fails = () => false
  const whileUp = <T>(what: keyof Store, key: string, work: () => Promise<T>): Promise<T> =>
    fails(what, key) ? Promise.reject(new Error('ECONNREFUSED')) : work()
  const store: Store = {
    get: (key) => whileUp('get', key, () => inner.get(key)),
    put: (key, value, options) => whileUp('put', key, () => inner.put(key, value, options)),
    delete: (key) => whileUp('delete', key, () => inner.delete(key)),
    list: (prefix, options) => whileUp('list', prefix, () => inner.list(prefix, options)),
  }
  return {
    store,
    set(down: boolean | Fails) {
      fails = typeof down === 'boolean' ? () => down : down
    },
  }
}

/** A gateway with caller auth and a store that can fail. Requests come from ann. */
function openOwned() {
  const { store, set } = breakableStore()
  const keys = createKeyRing([{ owner: 'ann', key: 'a1' }], webHmac(new Uint8Array(32)))
  const lines: string[] = []
  const gateway = openHarness({
    store,
    authenticate: createAuthenticate({ keys }),
    log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
  })
  const ask = (path: string, init: RequestInit = {}) =>
    gateway.ask(path, { ...init, headers: { ...init.headers, authorization: 'Bearer a1' } })
  return { ...gateway, ask, set, lines }
}

interface Linked {
  readonly download_url: string
  readonly file_id: string
  readonly container_id: string
}

function linksIn(text: string): Linked[] {
  const found: Linked[] = []
  JSON.stringify(JSON.parse(text), (_, value) => {
    if (value?.download_url !== undefined) found.push(value)
    return value
  })
  return found
}

const request = responseRequest('Save the numbers as a CSV.')

describe('while the store is down', () => {
  it('passes an answer with working links, and serves a file by its container', async () => {
    const { store, set } = breakableStore()
    const gateway = openHarness({ store })
    set(true)
    const answer = await gateway.ask('/openai/v1/responses', json(request))
    expect(answer.status).toBe(200)
    const [file] = linksIn(await answer.text())
    if (file === undefined) throw new Error('nothing was linked')
    expect((await gateway.ask(pathOf(file.download_url))).status).toBe(200)
    const named = `/files/${file.file_id}?container_id=${file.container_id}`
    expect((await gateway.ask(named)).status).toBe(200)
  })

  it('passes a stream to its end', async () => {
    const { store, set } = breakableStore()
    const gateway = openHarness({ store })
    set(true)
    const answer = await gateway.ask('/openai/v1/responses', json({ ...request, stream: true }))
    expect(await answer.text()).toContain('response.completed')
  })

  it('serves links to files, and answers 503 to links that need the store', async () => {
    const { store, set } = breakableStore()
    const gateway = openHarness({ store, links: 'rewrite' })
    const answer = await gateway.ask('/openai/v1/responses', json(request))
    const text = await answer.text()
    const [file] = linksIn(text)
    const inText = /\]\((http[^)]+)\)/.exec(text)?.[1] ?? ''
    const links = [inText]
    for (const kind of ['page', 'zip']) {
      const made = await gateway.ask('/links', json({ container_id: file?.container_id, kind }))
      links.push(((await made.json()) as Linked).download_url)
    }
    expect(links.map((link) => grantIn(link).kind)).toEqual(['path', 'page', 'zip'])
    set(true)
    expect((await gateway.ask(pathOf(file?.download_url ?? ''))).status).toBe(200)
    for (const link of links) {
      const refused = await gateway.ask(pathOf(link))
      expect([refused.status, await errorCode(refused)], link).toEqual([503, 'not_ready'])
    }
    set(false)
    for (const link of links) {
      const served = await gateway.ask(pathOf(link))
      expect(served.status, link).toBe(200)
      await served.body?.cancel()
    }
  })

  it('answers 503 when it needs the store, and recovers by itself', async () => {
    const { store, set } = breakableStore()
    const gateway = openHarness({ store })
    const [file] = await gateway.respond('Save the numbers as a CSV.')
    set(true)
    for (const path of [`/files/${file?.file_id}`, '/readyz']) {
      const refused = await gateway.ask(path)
      expect([refused.status, await errorCode(refused)], path).toEqual([503, 'not_ready'])
    }
    expect((await gateway.ask('/healthz')).status).toBe(200)
    const capture = await gateway.ask(
      '/captures',
      json({ ...file, type: 'container_file_citation' }),
    )
    expect(capture.status).toBe(503)
    set(false)
    expect((await gateway.ask(`/files/${file?.file_id}`)).status).toBe(200)
    expect((await gateway.ask('/readyz')).status).toBe(200)
  })

  const upload = new FormData()
  upload.set('purpose', 'assistants')
  upload.set('file', new Blob(['a,b']), 'a.csv')
  const changes: [path: string, init: RequestInit][] = [
    ['/openai/v1/responses', json(request)],
    ['/v1/responses', json({ ...request, stream: true })],
    ['/openai/v1/chat/completions', json({ model: 'gpt-4.1', messages: [] })],
    ['/openai/deployments/d/chat/completions', json({ messages: [] })],
    ['/openai/containers?api-version=preview', json({ name: 'c' })],
    ['/openai/v1/files', { method: 'POST', body: upload }],
    ['/openai/v1/files/file-1', { method: 'DELETE' }],
  ]

  it.each(changes)('refuses requests that would cost money and be lost: %s', async (path, init) => {
    const { ask, set, requests } = openOwned()
    for (const down of [true, (what: string) => what === 'put']) {
      set(down)
      const refused = await ask(path, init)
      expect([refused.status, await errorCode(refused)]).toEqual([503, 'not_ready'])
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
    }
    expect(await requests()).toEqual([])
  })

  it('is not ready while the store accepts no writes', async () => {
    const { ask, set } = openOwned()
    set((what) => what === 'put')
    expect((await ask('/readyz')).status).toBe(503)
    set(false)
    expect((await ask('/readyz')).status).toBe(200)
    // A disk that fills up later shows at the next request that is recorded.
    set((what) => what === 'put')
    await ask('/openai/v1/responses', json(request))
    expect((await ask('/readyz')).status).toBe(503)
    set(false)
    expect((await ask('/readyz')).status).toBe(200)
  })

  it.each([true, false])(
    'passes an answer that is paid for with caller auth, and logs what is not recorded (stream: %s)',
    async (stream) => {
      const { ask, set, lines } = openOwned()
      set((what, key) => what === 'put' && !key.startsWith('probe/'))
      const answer = await ask('/openai/v1/responses', json({ ...request, stream }))
      expect(answer.status).toBe(200)
      const text = await answer.text()
      const whole = stream
        ? JSON.parse(/^data: (.*"type":"response.completed".*)$/m.exec(text)?.[1] ?? '').response
        : JSON.parse(text)
      const [file] = linksIn(JSON.stringify(whole))
      if (file === undefined) throw new Error('nothing was linked')
      expect((await ask(pathOf(file.download_url))).status).toBe(200)
      expect(lines.filter((line) => line.startsWith('error'))).toContainEqual(
        expect.stringContaining(file.file_id),
      )
    },
  )

  it('records citations of a stream as soon as the store is back, if the stream repeats them', async () => {
    const { ask, set } = openOwned()
    let failures = 0
    set((what, key) => {
      const fails = what === 'put' && key.startsWith('file/') && failures < 1
      if (fails) failures += 1
      return fails
    })
    const answer = await ask('/openai/v1/responses', json({ ...request, stream: true }))
    const [, id] = /"file_id":"(cfile_\w+)"/.exec(await answer.text()) ?? []
    expect(failures).toBe(1)
    expect((await ask(`/files/${id}`)).status).toBe(200)
  })
})
