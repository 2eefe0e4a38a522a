/**
 * Requests of hosts that differ from the web standard: those of Azure Functions have no signal, and those of srvx 0.8 and
 * 0.9 abort their signal when the body has been read.
 */

import { describe, expect, it } from 'vitest'
import { createApp } from '../../../src/app.ts'
import { apiKey } from '../../../src/azure/credentials.ts'
import { citedFiles, json, openHarness, responseRequest } from '../../lib/harness.ts'

const origin = 'http://host.localhost'

/** As in Azure Functions: a class of its own around a request, without a signal. */
function withoutSignal(path: string, init?: RequestInit): Request {
  const inner = new Request(origin + path, init)
  class HttpRequest {
    get url() {
      return inner.url
    }
    get method() {
      return inner.method
    }
    get headers() {
      return inner.headers
    }
    get body() {
      return inner.body
    }
    get bodyUsed() {
      return inner.bodyUsed
    }
  }
  return new HttpRequest() as Request
}

/** As in srvx 0.9: the signal aborts when the last byte of the body was read from the socket. */
function abortingAfterBody(path: string, init?: RequestInit): Request {
  const inner = new Request(origin + path, init)
  const gone = new AbortController()
  const abort = new TransformStream<Uint8Array, Uint8Array>({
    async flush() {
      gone.abort()
      await new Promise((resolve) => setTimeout(resolve, 2))
    },
  })
  return Object.create(inner, {
    url: { value: inner.url },
    method: { value: inner.method },
    headers: { value: inner.headers },
    body: { value: inner.body?.pipeThrough(abort) ?? null },
    signal: { value: gone.signal },
  })
}

function upload(): RequestInit {
  const form = new FormData()
  form.set('purpose', 'assistants')
  form.set('file', new File(['a,b\n1,2\n'], 'rows.csv'))
  return { method: 'POST', body: form }
}

describe.each([
  ['without a signal', withoutSignal],
  ['whose signal fires when the body was read', abortingAfterBody],
])('a request %s', (_, make) => {
  it('is served on every route', async () => {
    const { app } = openHarness({ links: 'rewrite' })
    const ask = async (path: string, init?: RequestInit) => {
      const answer = await app.fetch(make(path, init))
      expect([path, answer.status]).toEqual([path, 200])
      return answer
    }
    const answered = await ask('/v1/responses', json(responseRequest('Save "a.csv".')))
    const [file] = citedFiles(await answered.json())
    const at = `/containers/${file?.container_id}/files`
    const paths = [`/files/${file?.file_id}`, at, `${at}.zip`, `/v1${at}/${file?.file_id}/content`]
    for (const path of paths) {
      expect((await (await ask(path)).arrayBuffer()).byteLength).toBeGreaterThan(0)
    }
    await ask('/captures', json({ output: [] }))
    await ask('/links', json({ file_id: file?.file_id }))
    expect(await (await ask('/v1/files', upload())).json()).toMatchObject({ filename: 'rows.csv' })
    const request = json(responseRequest('Save "b.csv".', { stream: true }))
    expect(await (await ask('/v1/responses', request)).text()).toContain('response.completed')
    await ask('/healthz')
    await ask(`/files/${file?.file_id}`, { method: 'DELETE' })
  })
})

describe('a client that disconnects while the model thinks', () => {
  it('aborts the request upstream', async () => {
    let finish: (outcome: string) => void = () => {}
    const outcome = new Promise<string>((resolve) => {
      finish = resolve
    })
    const fetch = (_: unknown, init?: RequestInit) =>
      new Promise<Response>((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => {
          finish('ended')
          reject(init.signal?.reason)
        })
      })
    const upstream = { endpoint: 'http://upstream.localhost', credential: apiKey('a-key'), fetch }
    const app = createApp({ upstreams: [upstream] })
    const client = new AbortController()
    const init = { ...json(responseRequest('Think.')), signal: client.signal }
    const answer = app.fetch(new Request(`${origin}/v1/responses`, init))
    setTimeout(() => client.abort(), 60)
    expect(await outcome).toBe('ended')
    expect((await answer).status).toBe(499)
  })
})
