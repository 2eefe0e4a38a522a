/**
 * Conversations that outlive their container: the archived files are there again in a new one.
 */

import { describe, expect, it } from 'vitest'
import { memoryArchive } from '../../src/archives/memory.ts'
import { connectWithin } from '../../src/core/sockets/socket.ts'
import type { AppOptions } from '../../src/options.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { testSha256 } from '../archives/contract.ts'
import { openCallers } from '../lib/callers.ts'
import { citedFiles, codeInterpreter, json, openHarness } from '../lib/harness.ts'

const start = 1_790_000_000
const prompt = 'Save the numbers as a CSV.'
const hour = 3600

function archived(more: Partial<AppOptions> = {}) {
  const work = new Set<Promise<unknown>>()
  const store = memoryStore({ now: () => start })
  const options: Partial<AppOptions> = {
    heal: true,
    store,
    archive: memoryArchive({ createSha256: testSha256, now: () => start }),
    waitUntil(promise) {
      const entry = promise.catch(() => {}).finally(() => work.delete(entry))
      work.add(entry)
    },
    ...more,
  }
  const settle = async () => {
    while (work.size > 0) await Promise.all(work)
  }
  return { options, settle, store }
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

const named = (container?: string) => ({ tools: [{ type: 'code_interpreter', container }] })

describe('a conversation whose container is gone', () => {
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

  it('goes to the new container without a refusal first, also by the old id, and without a header', async () => {
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

  it('heals streams, background answers and WebSockets alike', async () => {
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

  it('fails with Azure’s own 400, unchanged, without CFILE_HEAL', async () => {
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

  it('makes one new container for fifty turns at once', async () => {
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
  })

  it.each([
    ['nothing is archived', { archive: undefined }, undefined],
    ['the upload is refused', {}, { match: { method: 'POST', path: '/files' }, status: 400 }],
    [
      'the new container is refused',
      {},
      { match: { method: 'POST', path: '/containers' }, status: 429, times: 9 },
    ],
  ])('passes Azure’s own 400 and leaves no container behind where %s', async (_, more, fault) => {
    const lines: string[] = []
    const log = (...parts: unknown[]) => void lines.push(JSON.stringify(parts))
    const { options, settle } = archived({ ...more, log })
    const gateway = openHarness(options)
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    await settle()
    gateway.advance(hour)
    if (fault !== undefined) await gateway.fault(fault)
    const answer = await gateway.ask(
      '/openai/v1/responses',
      request('hi', named(containerOf(first))),
    )
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('expired')])
    expect(lines.join('\n')).toContain('could not be replaced')
    const list = await (await gateway.upstream('/containers')).json()
    const alive = (list as { data: { status: string }[] }).data.filter(
      ({ status }) => status === 'running',
    )
    expect(alive).toEqual([])
  })

  it('never mounts another owner’s copy', async () => {
    const { options, settle } = archived()
    const gateway = openCallers(options)
    const ann = await gateway.as('ann').answer(prompt)
    await settle()
    gateway.advance(hour)
    const bob = gateway.as('bob')
    const id = ann.file.container_id
    for (const answer of [
      await bob.ask(`/containers/${id}/restore`, { method: 'POST' }),
      await bob.ask('/openai/v1/responses', request('[list]', named(id))),
      await bob.ask('/openai/v1/responses', request('[list]', { previous_response_id: ann.id })),
    ]) {
      expect(answer.status).toBe(404)
    }
  })

  it('deletes the container that a process left half filled, and heals at the next turn', async () => {
    const { options, settle, store } = archived()
    const gateway = openHarness(options)
    const first = await turnOf(await gateway.ask('/openai/v1/responses', request(prompt)))
    await settle()
    gateway.advance(hour)
    // A process that ended here has made a container and noted it; its lease has run out.
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

  it('is 410 where nothing was archived, and 405 for other methods', async () => {
    const gateway = openHarness()
    const [file] = citedFiles(
      await turnOf(await gateway.ask('/openai/v1/responses', request(prompt))),
    )
    const path = `/containers/${file?.container_id}/restore`
    expect((await gateway.ask(path, { method: 'POST' })).status).toBe(410)
    expect((await gateway.ask(path)).status).toBe(405)
  })
})

describe('a container’s list', () => {
  it('says what is archived, and when the container is gone at the latest', async () => {
    const { options, settle } = archived()
    const gateway = openHarness(options)
    const [file] = citedFiles(
      await turnOf(await gateway.ask('/openai/v1/responses', request(prompt))),
    )
    const list = async () =>
      (await (await gateway.ask(`/containers/${file?.container_id}/files`)).json()) as object
    await settle()
    expect(await list()).toMatchObject({
      files: [{ archived: true }],
      expires_at: start + hour,
      expires_soon: false,
    })
    gateway.advance(hour - 200)
    expect(await list()).toMatchObject({ expires_soon: true })
  })
})
