/**
 * Conversations continue after their container has expired, with the archived files in a new container.
 */

import { describe, expect, it } from 'vitest'
import { memoryArchive } from '../../src/archives/memory.ts'
import { connectWithin } from '../../src/core/http/websocket.ts'
import type { AppOptions } from '../../src/options.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import type { Json } from '../../src/stores/store.ts'
import { testSha256 } from '../archives/contract.ts'
import { openCallers, refusal } from '../lib/callers.ts'
import { citedFiles, codeInterpreter, errorCode, json, openHarness } from '../lib/harness.ts'
import { followWork } from '../lib/work.ts'

const start = 1_790_000_000
const prompt = 'Save the numbers as a CSV.'
const hour = 3600

function archived(more: Partial<AppOptions> = {}) {
  const { waitUntil, settle } = followWork()
  const store = memoryStore({ now: () => start })
  const archive = memoryArchive({ createSha256: testSha256, now: () => start })
  const options: Partial<AppOptions> = {
    heal: true,
    store,
    archive,
    waitUntil,
    ...more,
  }
  return { options, settle, store, archive }
}

interface Turn {
  readonly id: string
  readonly output: readonly { readonly type: string; readonly container_id?: string }[]
}

const request = (input: string, more: object = {}) =>
  json({ model: 'gpt-4.1', input, tools: codeInterpreter, ...more })
const containerOf = ({ output }: Turn) =>
  output.find(({ container_id }) => container_id)?.container_id

async function turnOf(answer: Response): Promise<Turn> {
  expect(answer.status, await answer.clone().text()).toBe(200)
  return (await answer.json()) as Turn
}

interface Spoiling {
  readonly more?: Partial<AppOptions>
  readonly fault?: object
  /** Changes something in store or archive after the container has expired. */
  readonly spoil?: (kept: ReturnType<typeof archived>) => Promise<void>
  /** Part of the log line with the reason. */
  readonly says: string | RegExp
}

const isObject = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const named = (container?: string) => ({ tools: [{ type: 'code_interpreter', container }] })

describe('a conversation whose container has expired', () => {
  it.each([
    ['by previous_response_id', (last: Turn) => ({ previous_response_id: last.id })],
    ['by the container’s id', (last: Turn) => named(containerOf(last))],
  ])('goes on for six turns with the files of the first, %s', async (_, follow) => {
    const { options, settle } = archived()
    const gateway = openHarness(options)
    let last = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    const first = last
    await settle()
    for (let turn = 2; turn <= 6; turn += 1) {
      gateway.advance(hour)
      const text = `Save "turn${turn}.txt". [list]`
      const answer = await gateway.ask('/openai/v1/responses', request(text, follow(last)))
      const old = containerOf(last)
      last = await turnOf(answer)
      expect(answer.headers.get('x-cfile-healed')).toBe(`${old}=${containerOf(last)}`)
      await settle()
    }
    expect(JSON.stringify(last)).toMatch(/The container holds: .*sales\.csv/)
    expect(JSON.stringify(last)).toMatch(/turn5\.txt/)
    expect(containerOf(last)).not.toBe(containerOf(first))
  })

  it('uses the new container in later turns without a refusal, also by the old id, and without the header', async () => {
    const { options, settle } = archived()
    const gateway = openHarness(options)
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    await settle()
    gateway.advance(hour)
    const again = () =>
      gateway.ask('/openai/v1/responses', request('[list]', named(containerOf(first))))
    expect((await again()).headers.get('x-cfile-healed')).not.toBeNull()
    await gateway.requests()
    const later = await again()
    expect([later.status, later.headers.get('x-cfile-healed')]).toEqual([200, null])
    expect((await gateway.requests()).map(({ path }) => path)).toEqual(['/openai/v1/responses'])
  })

  it('is healed in streams, background answers and WebSockets', async () => {
    for (const more of [{ stream: true }, { background: true }]) {
      const { options, settle } = archived()
      const gateway = openHarness(options)
      const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
      await settle()
      gateway.advance(hour)
      const body = request('[list]', { previous_response_id: first.id, ...more })
      const answer = await gateway.ask('/openai/v1/responses', body)
      expect([answer.status, answer.headers.get('x-cfile-healed')]).toEqual([
        200,
        expect.stringContaining(`${containerOf(first)}=`),
      ])
    }
    const { options, settle } = archived()
    const gateway = openHarness(options)
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    await settle()
    gateway.advance(hour)
    const url = new URL('http://127.0.0.1:8787/openai/v1/responses')
    const socket = await connectWithin(gateway.app)(url, { headers: {} })
    const message = {
      type: 'response.create',
      model: 'gpt-4.1',
      input: '[list]',
      tools: codeInterpreter,
    }
    await socket.send(JSON.stringify({ ...message, previous_response_id: first.id }))
    let text = ''
    while (!/"type":"(?:response\.completed|error)"/.test(text)) text = String(await socket.next())
    expect(text).toContain('sales.csv')
  })

  it('is healed for each of two WebSocket messages that are sent at once', async () => {
    const { options, settle } = archived()
    const gateway = openHarness(options)
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    await settle()
    gateway.advance(hour)
    const url = new URL('http://127.0.0.1:8787/openai/v1/responses')
    const socket = await connectWithin(gateway.app)(url, { headers: {} })
    const message = { type: 'response.create', model: 'gpt-4.1', tools: codeInterpreter }
    const turn = { ...message, input: '[list]', previous_response_id: first.id }
    // The second message is on its way before the first is refused.
    await gateway.fault({ match: { path: '/responses' }, delay_ms: 50, times: 2 })
    await Promise.all([socket.send(JSON.stringify(turn)), socket.send(JSON.stringify(turn))])
    const ends: string[] = []
    while (ends.length < 2) {
      const text = String(await socket.next())
      if (/"type":"(?:response\.completed|error)"/.test(text)) ends.push(text)
    }
    for (const end of ends) expect(end).toContain('sales.csv')
  })

  it('gets Azure’s own 400 without CFILE_HEAL', async () => {
    const { options, settle } = archived({ heal: false })
    const gateway = openHarness(options)
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    await settle()
    gateway.advance(hour)
    const body = request('hi', { previous_response_id: first.id })
    const answer = await gateway.ask('/openai/v1/responses', body)
    const direct = await gateway.upstream('/responses', body)
    expect([answer.status, await answer.text()]).toEqual([400, await direct.text()])
    expect(answer.headers.get('x-cfile-healed')).toBeNull()
  })

  it('gets one new container for fifty concurrent turns', async () => {
    const { options, settle } = archived()
    const gateway = openHarness(options)
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    await settle()
    gateway.advance(hour)
    await gateway.requests()
    const body = () => request('[list]', { previous_response_id: first.id })
    const turns = await Promise.all(
      Array.from({ length: 50 }, async () =>
        turnOf(await gateway.ask('/openai/v1/responses', body())),
      ),
    )
    expect(new Set(turns.map(containerOf)).size).toBe(1)
    const made = (await gateway.requests()).filter(
      ({ method, path }) => method === 'POST' && path === '/openai/v1/containers',
    )
    expect(made).toHaveLength(1)
    const metrics = await (await gateway.ask('/metrics')).text()
    expect(metrics).toMatch(/^cfile_healed_total 1$/m)
  })

  it('tries once for twenty concurrent turns when the files are refused, and again in the next turn', async () => {
    const { options, settle } = archived()
    const gateway = openHarness(options)
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    await settle()
    gateway.advance(hour)
    await gateway.requests()
    const upload = { method: 'POST', path: '/openai/v1/containers/*/files' }
    await gateway.fault({ match: upload, status: 403, times: 1 })
    const turn = () =>
      gateway.ask('/openai/v1/responses', request('[list]', { previous_response_id: first.id }))
    const answers = await Promise.all(Array.from({ length: 20 }, turn))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]))
    const made = (await gateway.requests()).filter(
      ({ method, path }) => method === 'POST' && path === '/openai/v1/containers',
    )
    expect(made).toHaveLength(1)
    expect(JSON.stringify(await turnOf(await turn()))).toContain('sales.csv')
  })

  it('keeps a container that runs when a refusal only quotes the words', async () => {
    const { options, settle } = archived()
    const gateway = openHarness(options)
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    await settle()
    const body = { error: { message: "Invalid value: 'container is expired'.", code: 'invalid' } }
    await gateway.fault({ match: { path: '/responses' }, status: 400, body })
    const turn = request('hi', named(containerOf(first)))
    const refused = await gateway.ask('/openai/v1/responses', turn)
    expect([refused.status, await refused.json()]).toEqual([400, body])
    const next = await turnOf(await gateway.ask('/openai/v1/responses', turn))
    expect(containerOf(next)).toBe(containerOf(first))
  })

  it.each<[string, Spoiling]>([
    ['nothing is archived', { more: { archive: undefined }, says: 'Nothing of the container' }],
    [
      'the upload is refused',
      {
        fault: { match: { method: 'POST', path: '/files' }, status: 400 },
        says: 'refused the upload of cfile_',
      },
    ],
    [
      'the new container is refused',
      {
        fault: { match: { method: 'POST', path: '/containers' }, status: 429, times: 9 },
        says: 'refused the new container with status 429',
      },
    ],
    [
      'a copy is larger than Azure takes',
      {
        async spoil({ store }) {
          const [row] = await store.list('archived/')
          if (row === undefined || !isObject(row.value)) throw new Error('Nothing is archived.')
          await store.put(row.key, { ...row.value, bytes: 512 * 1024 ** 2 + 1 })
        },
        says: 'has 536870913 bytes; Azure takes at most 536870912',
      },
    ],
    [
      'a copy is gone',
      {
        async spoil({ archive }) {
          for await (const { key } of archive.list()) await archive.delete(key)
        },
        says: /The copy of cfile_\w+ is gone/,
      },
    ],
  ])(
    'gets Azure’s own 400, leaves no container behind and logs the reason when %s',
    async (_, { more, fault, spoil, says }) => {
      const lines: string[] = []
      const log = (...parts: unknown[]) => void lines.push(JSON.stringify(parts))
      const kept = archived({ ...more, log })
      const gateway = openHarness(kept.options)
      const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
      await kept.settle()
      gateway.advance(hour)
      await spoil?.(kept)
      if (fault !== undefined) await gateway.fault(fault)
      const body = request('hi', named(containerOf(first)))
      const answer = await gateway.ask('/openai/v1/responses', body)
      const direct = await gateway.upstream('/responses', body)
      expect([answer.status, await answer.text()]).toEqual([400, await direct.text()])
      expect(answer.headers.get('x-cfile-healed')).toBeNull()
      const reasons = lines.filter((line) => line.includes('could not be replaced'))
      expect(reasons).toEqual([expect.stringMatching(says)])
      const list = await (await gateway.upstream('/containers')).json()
      const alive = (list as { data: { status: string }[] }).data.filter(
        ({ status }) => status === 'running',
      )
      expect(alive).toEqual([])
    },
  )

  it('never gets another owner’s copies, and strangers learn nothing about it', async () => {
    const { options, settle } = archived()
    const gateway = openCallers(options)
    const ann = await gateway.as('ann').answer(prompt)
    await settle()
    gateway.advance(hour)
    await gateway.requests()
    const responses = '/openai/v1/responses'
    const asks = (container: string, response: string): [string, RequestInit][] => [
      [`/containers/${container}/restore`, { method: 'POST' }],
      [responses, request('[list]', named(container))],
      [responses, request('[list]', { previous_response_id: response })],
      [responses, request('[list]', { previous_response_id: response, stream: true })],
      [responses, request('[list]', { previous_response_id: response, background: true })],
    ]
    const others = asks('cntr_nobodys', 'resp_nobodys')
    for (const [index, [path, init]] of asks(ann.file.container_id, ann.id).entries()) {
      const refused = await refusal(await gateway.as('bob').ask(path, init))
      expect(refused.status).toBe(404)
      expect(await refusal(await gateway.as('bob').ask(...(others[index] ?? ['', {}])))).toEqual(
        refused,
      )
      expect((await gateway.ask(path, init)).status).toBe(401)
    }
    expect(await gateway.requests()).toEqual([])
  })

  it('is restored by an admin for its owner, and turns of an admin are not healed with it', async () => {
    const { options, settle } = archived()
    const gateway = openCallers(options)
    const ann = await gateway.as('ann').answer(prompt)
    await settle()
    gateway.advance(hour)
    const id = ann.file.container_id
    const admin = gateway.as('admin')
    const turn = await admin.ask('/openai/v1/responses', request('[list]', named(id)))
    expect([turn.status, turn.headers.get('x-cfile-healed')]).toEqual([400, null])
    const restored = await admin.ask(`/containers/${id}/restore`, { method: 'POST' })
    const { container_id } = (await restored.json()) as { container_id: string }
    const ask = (who: 'ann' | 'bob') =>
      gateway.as(who).ask(`/containers/${container_id}/path/sales.csv`)
    expect([(await ask('ann')).status, (await ask('bob')).status]).toEqual([200, 404])
  })

  it('in a shared container gets a new container with the owner’s files only', async () => {
    const { options, settle } = archived()
    const gateway = openCallers(options)
    const ann = await gateway.as('ann').answer(prompt)
    const id = ann.file.container_id
    // Azure's answer to bob cites the container, so both share it.
    await gateway.give('bob', 'container', id)
    const body = request('Save "bobs.txt".', named(id))
    const bobs = await turnOf(await gateway.as('bob').ask('/openai/v1/responses', body))
    expect(containerOf(bobs)).toBe(id)
    await settle()
    gateway.advance(hour)
    const texts: Record<string, string> = {}
    const containers = new Set<string>()
    for (const who of ['ann', 'bob'] as const) {
      const answer = await gateway.as(who).ask('/openai/v1/responses', request('[list]', named(id)))
      containers.add(answer.headers.get('x-cfile-healed') ?? '')
      texts[who] = await answer.text()
    }
    expect(texts.ann).toContain('sales.csv')
    expect(texts.ann).not.toContain('bobs.txt')
    expect(texts.bob).toContain('bobs.txt')
    expect(texts.bob).not.toContain('sales.csv')
    expect(containers.size).toBe(2)
  })

  it('is healed in the next turn after a process left a container half filled, which is deleted', async () => {
    const { options, settle, store } = archived()
    const gateway = openHarness(options)
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    await settle()
    gateway.advance(hour)
    // A process that ended here had created a container and stored that; its lease has expired.
    const made = await gateway.upstream('/containers', json({ name: 'auto' }))
    const { id } = (await made.json()) as { id: string }
    const note = { container_id: id, upstream: 'default', lease: 'lease/replace/none' }
    await store.put(`making/${id}`, note)
    gateway.advance(30)
    await gateway.ask('/healthz')
    await settle()
    expect((await gateway.upstream(`/containers/${id}`)).status).toBe(404)
    const turn = await gateway.ask(
      '/openai/v1/responses',
      request('[list]', named(containerOf(first))),
    )
    expect(JSON.stringify(await turnOf(turn))).toContain('sales.csv')
  })
})

describe('POST /containers/{container_id}/restore', () => {
  it('answers with a new container that holds the archived files, also without CFILE_HEAL', async () => {
    const { options, settle } = archived({ heal: false })
    const gateway = openHarness(options)
    const [file] = citedFiles(
      await turnOf(await gateway.ask('/openai/v1/responses', request(prompt))),
    )
    await settle()
    gateway.advance(hour)
    const path = `/containers/${file?.container_id}/restore`
    const answer = await gateway.ask(path, { method: 'POST' })
    const restored = (await answer.json()) as { container_id: string; files: { path: string }[] }
    expect(restored.files.map((row) => row.path)).toEqual(['/mnt/data/sales.csv'])
    const link = await gateway.ask(`/containers/${restored.container_id}/path/sales.csv`)
    expect(link.status).toBe(200)
  })

  it('refuses options that it does not have, before a container is made', async () => {
    const { options, settle } = archived({ heal: false })
    const gateway = openHarness(options)
    const [file] = citedFiles(
      await turnOf(await gateway.ask('/openai/v1/responses', request(prompt))),
    )
    await settle()
    gateway.advance(hour)
    await gateway.requests()
    const path = `/containers/${file?.container_id}/restore`
    const restore = (body: string) => gateway.ask(path, { method: 'POST', body })
    for (const body of [
      'x',
      ' ',
      'null',
      '[]',
      '"{}"',
      '{} {}',
      '{}\0',
      '{"name":"x"}',
      '{"__proto__":1}',
      '{"a":NaN}',
      '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--b--\r\n',
    ]) {
      const answer = await restore(body)
      expect(answer.status, body).toBe(400)
      expect(await errorCode(answer)).toBe('invalid_request')
    }
    expect(await gateway.requests()).toEqual([])
    expect((await restore('')).status).toBe(200)
    expect((await restore(' {\n} ')).status).toBe(200)
  })

  it('answers concurrent requests with one container and the same files', async () => {
    const { options, settle } = archived()
    const gateway = openHarness(options)
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    await settle()
    gateway.advance(hour)
    const path = `/containers/${containerOf(first)}/restore`
    const restore = async () => (await gateway.ask(path, { method: 'POST' })).json()
    const [one, ...others] = await Promise.all([restore(), restore(), restore()])
    expect(one).toMatchObject({ files: [{ path: '/mnt/data/sales.csv' }] })
    for (const other of others) expect(other).toEqual(one)
  })

  it('leaves the turns of a container that still runs where they are', async () => {
    const { options, settle } = archived()
    const gateway = openHarness(options)
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    await settle()
    const id = containerOf(first)
    const restored = await gateway.ask(`/containers/${id}/restore`, { method: 'POST' })
    expect(restored.status).toBe(200)
    const turn = request('Save "more.txt". [list]', named(id))
    expect(containerOf(await turnOf(await gateway.ask('/openai/v1/responses', turn)))).toBe(id)
  })

  it('is 410 without archived files, and 405 for other methods', async () => {
    const gateway = openHarness()
    const [file] = citedFiles(
      await turnOf(await gateway.ask('/openai/v1/responses', request(prompt))),
    )
    const path = `/containers/${file?.container_id}/restore`
    expect((await gateway.ask(path, { method: 'POST' })).status).toBe(410)
    expect((await gateway.ask(path)).status).toBe(405)
  })
})

describe('the list of a container', () => {
  interface Listed {
    readonly expires_at: number
    readonly expires_soon: boolean
  }

  it('says which files are archived, and that the container ends after 20 idle minutes or an hour', async () => {
    const { options, settle } = archived()
    const gateway = openHarness(options)
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    const path = `/containers/${containerOf(first)}`
    const list = async () => (await (await gateway.ask(`${path}/files`)).json()) as Listed
    await settle()
    expect(await list()).toMatchObject({
      files: [{ archived: true }],
      expires_at: start + 1200,
      expires_soon: false,
    })
    expect(await (await gateway.ask(path)).text()).toContain('later if somebody uses it')
    // Every list is a use, until the hour is over.
    for (let minutes = 15; minutes <= 45; minutes += 15) {
      gateway.advance(900)
      const end = Math.min(start + minutes * 60 + 1200, start + hour)
      expect(await list()).toMatchObject({ expires_at: end, expires_soon: false })
    }
    gateway.advance(700)
    expect(await list()).toMatchObject({ expires_at: start + hour, expires_soon: true })
    expect(await (await gateway.ask(path)).text()).toContain('at the latest')
  })

  it('shows the idle minutes that the container was created with', async () => {
    const gateway = openHarness()
    const body = json({ name: 'short', expires_after: { anchor: 'last_active_at', minutes: 4 } })
    const made = (await (await gateway.ask('/openai/v1/containers', body)).json()) as Turn
    const list = await (await gateway.ask(`/containers/${made.id}/files`)).json()
    expect(list).toMatchObject({ expires_at: start + 240, expires_soon: true })
  })

  it('says that an idle container is gone although its hour is not over', async () => {
    const { options, settle } = archived()
    const gateway = openHarness(options)
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    await settle()
    gateway.advance(1500)
    const path = `/containers/${containerOf(first)}`
    expect(await (await gateway.ask(`${path}/files`)).json()).toMatchObject({
      files: [{ archived: true }],
      expires_at: start + 1500,
      expires_soon: true,
    })
    expect(await (await gateway.ask(path)).text()).toContain('gone; these files are copies')
  })

  it('is answered without delay when the upstream cannot describe the container', async () => {
    const gateway = openHarness()
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    const path = `/containers/${containerOf(first)}`
    await gateway.fault({
      match: { path: `*/containers/${containerOf(first)}` },
      status: 500,
      times: 9,
    })
    const list = await gateway.ask(`${path}/files`)
    expect([list.status, await list.json()]).toEqual([
      200,
      expect.objectContaining({ expires_at: start + hour, expires_soon: false }),
    ])
  })
})
