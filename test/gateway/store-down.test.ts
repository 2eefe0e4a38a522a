import { describe, expect, it } from 'vitest'
import { createKeyRing } from '../../src/core/api-keys.ts'
import { webHmac } from '../../src/core/links/hmac.ts'
import { createAuthenticate } from '../../src/routes/authenticate.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import type { Store } from '../../src/stores/store.ts'
import { errorCode, grantIn, json, openHarness, pathOf, responseRequest } from '../harness.ts'

/** A store that can be taken down, and comes back. */
function breakableStore() {
  const inner = memoryStore({ now: () => 1_790_000_000 })
  let isDown = false
  const whileUp = <T>(work: () => Promise<T>): Promise<T> =>
    isDown ? Promise.reject(new Error('ECONNREFUSED')) : work()
  const store: Store = {
    get: (key) => whileUp(() => inner.get(key)),
    put: (key, value, options) => whileUp(() => inner.put(key, value, options)),
    delete: (key) => whileUp(() => inner.delete(key)),
    list: (prefix, options) => whileUp(() => inner.list(prefix, options)),
  }
  return {
    store,
    set(down: boolean) {
      isDown = down
    },
  }
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
  it('lets an answer pass, whose links work, and a file whose container is named', async () => {
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

  it('lets a stream pass to its end', async () => {
    const { store, set } = breakableStore()
    const gateway = openHarness({ store })
    set(true)
    const answer = await gateway.ask('/openai/v1/responses', json({ ...request, stream: true }))
    expect(await answer.text()).toContain('response.completed')
  })

  it('serves links to files, and says so on links that need it', async () => {
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

  it('says so where it is needed, and is back by itself', async () => {
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

  it('gives nobody an answer that would then belong to nobody, where callers are told apart', async () => {
    const { store, set } = breakableStore()
    const keys = createKeyRing([{ owner: 'ann', key: 'a1' }], webHmac(new Uint8Array(32)))
    const gateway = openHarness({ store, authenticate: createAuthenticate({ keys }) })
    set(true)
    const asked = json(request)
    const answer = await gateway.ask('/openai/v1/responses', {
      ...asked,
      headers: { ...asked.headers, authorization: 'Bearer a1' },
    })
    expect([answer.status, await errorCode(answer)]).toEqual([503, 'not_ready'])
  })
})
