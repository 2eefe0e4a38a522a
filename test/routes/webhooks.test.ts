import { describe, expect, it } from 'vitest'
import { memoryArchive } from '../../src/archives/memory.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import type { AppOptions } from '../../src/options.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { testSha256 } from '../archives/contract.ts'
import { openCallers } from '../lib/callers.ts'
import { errorCode, type Harness, json, openHarness, responseRequest } from '../lib/harness.ts'
import { type Delivery, showSecret, signDelivery } from '../lib/webhooks.ts'
import { followWork } from '../lib/work.ts'

const now = 1_790_000_000
const secretBytes = new Uint8Array(32).fill(7)
const webhooks = { secrets: [showSecret(secretBytes)] }
const prompt = 'Save the numbers as a CSV.'

/** A delivery with Azure's signature, by default with the current time. */
const delivery = (parts: Partial<Delivery>): Promise<RequestInit> =>
  signDelivery(secretBytes, { at: now, ...parts })

/** A gateway whose background work can be awaited. */
function withWork(): { options: Partial<AppOptions>; settle(): Promise<void> } {
  const { waitUntil, settle } = followWork()
  return { options: { webhooks, waitUntil }, settle }
}

async function post(gateway: Pick<Harness, 'ask'>, parts: Partial<Delivery>): Promise<number> {
  return (await gateway.ask('/webhooks', await delivery(parts))).status
}

describe('POST /webhooks', () => {
  it('makes the files of a background answer downloadable although no client reads the answer', async () => {
    const { options, settle } = withWork()
    const gateway = openCallers(options)
    const ann = gateway.as('ann')
    const request = responseRequest(prompt, { background: true })
    const queued = (await (await ann.ask('/openai/v1/responses', json(request))).json()) as {
      id: string
      status: string
    }
    expect(queued.status).toBe('queued')
    gateway.advance(20)
    expect(await post(gateway, { response: queued.id, at: now + 20 })).toBe(200)
    await settle()
    const direct = await gateway.upstream(`/responses/${queued.id}`)
    const [file] = [...(await direct.text()).matchAll(/cfile_[0-9a-f]+/g)].map(([id]) => id)
    expect((await ann.ask(`/files/${file}`)).status).toBe(200)
    expect((await gateway.as('bob').ask(`/files/${file}`)).status).toBe(404)
  })

  it('copies the files to the archive before their container expires', async () => {
    const { options, settle } = withWork()
    const archive = memoryArchive({ createSha256: testSha256, now: () => now })
    const gateway = openHarness({ ...options, archive })
    const answer = await gateway.upstream('/responses', json(responseRequest(prompt)))
    const body = (await answer.json()) as { id: string }
    const [file] = [...JSON.stringify(body).matchAll(/cfile_[0-9a-f]+/g)].map(([id]) => id)
    await post(gateway, { response: body.id })
    await settle()
    gateway.advance(7200)
    expect((await gateway.ask(`/files/${file}`)).status).toBe(200)
  })

  it('gets events of the emulator at a registered endpoint, signed with the shown secret', async () => {
    const sent: { url: string; body: string; headers: Headers }[] = []
    const emulator = createEmulator({
      now: () => now,
      async fetch(input, init) {
        const request = new Request(input, init)
        const { url, headers } = request
        sent.push({ url, headers, body: await request.text() })
        return new Response()
      },
    })
    const url = 'https://gateway.example/webhooks'
    const endpoint = { name: 'cfile', url, event_types: ['response.completed'] }
    const made = await emulator.request('/openai/v1/dashboard/webhook_endpoints', json(endpoint))
    const { signing_secret: secret } = (await made.json()) as { signing_secret: string }
    const answer = await emulator.request('/openai/v1/responses', json(responseRequest(prompt)))
    const { id } = (await answer.json()) as { id: string }
    await expect.poll(() => sent.length).toBe(1)
    const [event] = sent
    expect([event?.url, JSON.parse(event?.body ?? '')]).toMatchObject([url, { data: { id } }])
    const gateway = openHarness({ webhooks: { secrets: [secret] } })
    const { body, headers } = event ?? {}
    expect((await gateway.ask('/webhooks', { method: 'POST', body, headers })).status).toBe(200)
    const other = openHarness({ webhooks })
    expect((await other.ask('/webhooks', { method: 'POST', body, headers })).status).toBe(403)
  })

  it('answers a repeated delivery and does no work for it', async () => {
    const { options, settle } = withWork()
    const gateway = openHarness(options)
    const { id } = (await (
      await gateway.upstream('/responses', json(responseRequest(prompt)))
    ).json()) as { id: string }
    await gateway.requests()
    for (let times = 0; times < 3; times += 1) {
      expect(await post(gateway, { id: 'evt_1', response: id })).toBe(200)
      await settle()
    }
    const requests = (await gateway.requests()).filter(({ path }) => path.endsWith(id))
    expect(requests).toHaveLength(1)
  })

  it.each([
    ['a slash', 'evt/1'],
    ['other signs', 'evt 1?#%2F..~"'],
    ['5,000 characters', `evt_${'x'.repeat(5000)}`],
  ])('accepts a signed event whose id has %s, and does its work once', async (_, webhookId) => {
    const { options, settle } = withWork()
    const gateway = openHarness(options)
    const answer = await gateway.upstream('/responses', json(responseRequest(prompt)))
    const { id } = (await answer.json()) as { id: string }
    await gateway.requests()
    for (let times = 0; times < 2; times += 1) {
      expect(await post(gateway, { id: webhookId, response: id })).toBe(200)
      await settle()
    }
    const requests = (await gateway.requests()).filter(({ path }) => path.endsWith(id))
    expect(requests).toHaveLength(1)
    expect(await post(gateway, { id: '', response: id })).toBe(403)
  })

  it('refuses wrong and old signatures with the same error', async () => {
    const gateway = openHarness({ webhooks })
    const right = await delivery({ response: 'resp_1' })
    const headers = right.headers as Record<string, string>
    const wrong: RequestInit[] = [
      { ...right, body: `${right.body} ` },
      { ...right, headers: { ...headers, 'webhook-id': 'evt_other' } },
      { ...right, headers: { ...headers, 'webhook-signature': 'v1,AAAA' } },
      { ...right, headers: {} },
      await delivery({ response: 'resp_1', at: now - 301 }),
      await delivery({ response: 'resp_1', at: now + 301 }),
    ]
    for (const init of wrong) {
      const answer = await gateway.ask('/webhooks', init)
      expect([answer.status, await errorCode(answer)]).toEqual([403, 'signature_invalid'])
    }
  })

  it('answers all other events with 200 and stores nothing', async () => {
    const store = memoryStore({ now: () => now })
    const gateway = openHarness({ webhooks, store })
    for (const type of ['response.failed', 'response.cancelled', 'batch.completed', 'new.kind']) {
      expect(await post(gateway, { type, response: 'resp_1' })).toBe(200)
    }
    expect(await store.list('webhook')).toEqual([])
  })

  it('refuses a signed body that is not an event', async () => {
    const gateway = openHarness({ webhooks })
    const cases = [
      { body: 'x' },
      { body: '[]' },
      { body: '{"data":{"id":"resp_1"}}' },
      { body: '{"type":"response.completed"}' },
      { body: '{"type":"response.completed","data":{"id":"../files"}}' },
    ]
    for (const parts of cases) expect(await post(gateway, parts)).toBe(400)
    expect(await post(gateway, { body: `"${'x'.repeat(300_000)}"` })).toBe(413)
  })

  it('does not exist without CFILE_WEBHOOK_SECRETS, and takes only POST with them', async () => {
    expect((await openHarness().ask('/webhooks', { method: 'POST', body: '{}' })).status).toBe(404)
    const answer = await openHarness({ webhooks }).ask('/webhooks')
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it('records a response without an owner for CFILE_WEBHOOK_OWNER, else for nobody', async () => {
    for (const owner of ['ann', undefined]) {
      const { options, settle } = withWork()
      const gateway = openCallers({ ...options, webhooks: { ...webhooks, owner } })
      const { id, file } = await gateway.answerDirectly(prompt)
      await post(gateway, { response: id })
      await settle()
      const status = async (who: 'ann' | 'bob') =>
        (await gateway.as(who).ask(`/files/${file.file_id}`)).status
      expect([await status('ann'), await status('bob')]).toEqual([owner === 'ann' ? 200 : 404, 404])
    }
  })

  it('retries when Azure does not answer, also after a restart', async () => {
    const store = memoryStore({ now: () => now })
    const first = withWork()
    const gateway = openHarness({ ...first.options, store })
    const answered = await gateway.upstream('/responses', json(responseRequest(prompt)))
    const { id } = (await answered.json()) as { id: string }
    await gateway.fault({ match: { path: `/responses/${id}` }, status: 500, times: 1 })
    expect(await post(gateway, { response: id })).toBe(200)
    await first.settle()
    expect(await store.list('file/')).toEqual([])
    expect(await store.list('webhook-work/')).toHaveLength(1)
    gateway.advance(16)
    // Any request triggers the upkeep.
    await gateway.ask('/healthz')
    await first.settle()
    expect((await store.list('file/')).length).toBeGreaterThan(0)
    expect(await store.list('webhook-work/')).toEqual([])
  })

  it('is 503 while the store is down, so that Azure delivers again', async () => {
    const store = memoryStore({ now: () => now })
    const down = { ...store, get: () => Promise.reject(new Error('down')) }
    const gateway = openHarness({ webhooks, store: down })
    expect(await post(gateway, { response: 'resp_1' })).toBe(503)
  })
})
