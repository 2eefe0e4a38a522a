import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import type { Citation } from '../../src/core/api/citations/citations.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { type CaptureFetchOptions, captureFetch } from '../../src/library/capture-fetch.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { codeInterpreter, json, responseRequest } from '../lib/harness.ts'

const base = 'https://res.openai.azure.com/openai/v1'
const prompt = 'Draw a chart and save the numbers as a CSV.'

/** An app that calls Azure itself, and a gateway with the same store. */
function open(options: Partial<CaptureFetchOptions> = {}) {
  const emulator = createEmulator()
  const store = memoryStore({ now: () => Math.floor(Date.now() / 1000) })
  const plain: typeof fetch = async (input, init) => emulator.fetch(new Request(input, init))
  const files: Citation[] = []
  let finish: () => void = () => {}
  const reported = new Promise<void>((resolve) => {
    finish = resolve
  })
  const captured = captureFetch(plain, {
    store,
    onFiles(found) {
      files.push(...found)
      finish()
    },
    ...options,
  })
  const app = createApp({
    store,
    upstreams: [{ endpoint: 'http://emulator.localhost', credential: apiKey('k'), fetch: plain }],
  })
  return { plain, captured, files, app, reported }
}

describe('captureFetch', () => {
  it.each([false, true])(
    'reports the files of an answer and records them for a gateway: stream %s',
    async (stream) => {
      const { captured, files, app, reported } = open()
      const client = new OpenAI({ baseURL: base, apiKey: 'k', fetch: captured })
      const request = {
        model: 'm',
        input: prompt,
        tools: codeInterpreter as OpenAI.Responses.Tool[],
      }
      if (stream) {
        for await (const _ of await client.responses.create({ ...request, stream })) {
          // Read to the end.
        }
      } else {
        await client.responses.create(request)
      }
      await reported
      expect(files.map(({ filename }) => filename)).toContain('sales.csv')
      expect(new Set(files.map(({ file_id }) => file_id)).size).toBe(files.length)
      for (const { file_id } of files)
        expect((await app.request(`/files/${file_id}`)).status).toBe(200)
    },
  )

  it.each([false, true])('changes nothing: stream %s', async (stream) => {
    const { plain, captured } = open()
    const created = await plain(
      `${base}/responses`,
      json(responseRequest(prompt, { stream: false })),
    )
    const { id } = (await created.json()) as { id: string }
    const url = `${base}/responses/${id}${stream ? '?stream=true' : ''}`
    const [one, other] = [await plain(url), await captured(url)]
    expect([other.status, other.statusText, other.url]).toEqual([
      one.status,
      one.statusText,
      one.url,
    ])
    const names = (answer: Response) =>
      [...answer.headers].filter(([name]) => !/request-id/.test(name))
    expect(names(other)).toEqual(names(one))
    const bytes = await Promise.all([one, other].map((answer) => answer.text()))
    expect(bytes[1]).toBe(bytes[0])
  })

  it('passes an answer even if the store hangs or fails', async () => {
    const errors: unknown[] = []
    const store = memoryStore({ now: () => 0 })
    const hanging = { ...store, put: () => new Promise<boolean>(() => {}) }
    const failing = {
      ...store,
      put: async () => {
        throw new Error('down')
      },
    }
    for (const broken of [hanging, failing]) {
      const { captured } = open({ store: broken, onError: (error) => errors.push(error) })
      const answer = await captured(`${base}/responses`, json(responseRequest(prompt)))
      expect(((await answer.json()) as { status: string }).status).toBe('completed')
    }
    await new Promise((resolve) => setTimeout(resolve))
    expect(errors.map(String)).toContain('Error: down')
  })

  it('ignores other answers: bytes, errors, JSON of other hosts', async () => {
    const { captured, files } = open()
    const refused = await captured(`${base}/responses/resp_none`)
    expect(refused.status).toBe(404)
    const forged = { object: 'response', id: 'r', output: [] }
    const other = captureFetch(async () => Response.json(forged), {
      store: memoryStore({ now: () => 0 }),
    })
    expect(await (await other('https://elsewhere.example/api/things')).json()).toEqual(forged)
    expect(files).toEqual([])
  })

  it('records uploads and containers for their owner', async () => {
    const store = memoryStore({ now: () => 0 })
    const { captured } = open({ store, owner: 'ann' })
    await (await captured(`${base}/containers`, json({ name: 'c' }))).text()
    await expect
      .poll(async () => (await store.list('container/'))[0]?.key)
      .toMatch(/^container\/cntr_\w+\/[0-9a-f]{32}$/)
  })
})
