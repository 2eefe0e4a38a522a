import { describe, expect, it } from 'vitest'
import type { AppOptions } from '../../../src/options.ts'
import { openCallers } from '../../lib/callers.ts'
import { type Harness, json, openHarness, responseRequest } from '../../lib/harness.ts'

const prompt = 'Save sales.csv and leave an uncited scratch file.'

/** A gateway, and the end of its background work. */
function openSweeping(options: Partial<AppOptions> = {}) {
  const work: Promise<unknown>[] = []
  const waitUntil = (one: Promise<unknown>) => void work.push(one)
  const gateway = openHarness({ sweep: true, waitUntil, ...options })
  return { ...gateway, settle: () => Promise.all(work) }
}

async function scratchOf({ upstream }: Harness, body: string): Promise<string> {
  const list = await upstream(`/containers/${/cntr_\w+/.exec(body)?.[0]}/files`)
  const { data } = (await list.json()) as { data: { id: string; path: string }[] }
  return data.find(({ path }) => path.endsWith('scratch.txt'))?.id ?? ''
}

describe('recording of uncited files', () => {
  it('records a file that the answer does not cite, in JSON, in streams and in background responses', async () => {
    for (const more of [{}, { stream: true }, { background: true }]) {
      const gateway = openSweeping()
      const answer = await gateway.ask('/openai/v1/responses', json(responseRequest(prompt, more)))
      let body = await answer.text()
      const id = /resp_\w+/.exec(body)?.[0]
      for (let polls = 0; polls < 5 && !body.includes('cntr_'); polls += 1) {
        body = await (await gateway.ask(`/openai/v1/responses/${id}`)).text()
      }
      await gateway.settle()
      const scratch = await scratchOf(gateway, body)
      expect((await gateway.ask(`/files/${scratch}`)).status, JSON.stringify(more)).toBe(200)
    }
  })

  it('is off by default', async () => {
    const gateway = openSweeping({ sweep: false })
    const answer = await gateway.ask('/openai/v1/responses', json(responseRequest(prompt)))
    const scratch = await scratchOf(gateway, await answer.text())
    await gateway.settle()
    expect((await gateway.ask(`/files/${scratch}`)).status).toBe(404)
  })

  it('skips files of earlier answers and uploaded files', async () => {
    const gateway = openSweeping()
    const first = await gateway.upstream('/responses', json(responseRequest(prompt)))
    const body = await first.text()
    const containerId = /cntr_\w+/.exec(body)?.[0] ?? ''
    const form = new FormData()
    form.set('file', new File(['a,b'], 'input.csv'))
    gateway.advance(60)
    const upload = await gateway.upstream(`/containers/${containerId}/files`, {
      method: 'POST',
      body: form,
    })
    const { id: input } = (await upload.json()) as { id: string }
    const tools = [{ type: 'code_interpreter', container: containerId }]
    const second = responseRequest('Save numbers.json.', { tools })
    await (await gateway.ask('/openai/v1/responses', json(second))).text()
    await gateway.settle()
    for (const id of [await scratchOf(gateway, body), input]) {
      expect((await gateway.ask(`/files/${id}`)).status).toBe(404)
    }
  })

  it('skips containers that other owners share', async () => {
    const work: Promise<unknown>[] = []
    const waitUntil = (one: Promise<unknown>) => void work.push(one)
    const gateway = openCallers({ sweep: true, waitUntil })
    const { body } = await gateway.answerDirectly(prompt)
    const text = JSON.stringify(body)
    const containerId = /cntr_\w+/.exec(text)?.[0] ?? ''
    await gateway.give('ann', 'container', containerId)
    await gateway.give('bob', 'response', /resp_\w+/.exec(text)?.[0] ?? '')
    const id = /resp_\w+/.exec(text)?.[0]
    await (await gateway.as('bob').ask(`/openai/v1/responses/${id}`)).text()
    await Promise.all(work)
    const scratch = await scratchOf(gateway, text)
    expect((await gateway.as('bob').ask(`/files/${scratch}`)).status).toBe(404)
  })

  it('neither delays nor breaks an answer when the upstream fails', async () => {
    const gateway = openSweeping()
    await gateway.fault({ match: { path: '/files' }, status: 500, times: 20 })
    const answer = await gateway.ask('/openai/v1/responses', json(responseRequest(prompt)))
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain('download_url')
    await gateway.settle()
  })
})
