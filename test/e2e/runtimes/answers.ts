/**
 * The HTTP suite: answers of the model, and what is recorded of them.
 */

import { once } from 'node:events'
import { expect } from 'vitest'
import { WebSocket } from 'ws'
import { patient } from '../../lib/child.ts'
import { citedFiles, codeInterpreter, json, responseRequest } from '../../lib/harness.ts'
import { signDelivery } from '../../lib/webhooks.ts'
import { keys, mostBodyBytes, type Row, refused, type World, webhookKey } from './world.ts'

const upstreamPath = '/openai/v1/responses'

/** An answer that Azure gave without the gateway. */
async function answerDirectly({ azure }: World, more: object = {}) {
  const request = json(responseRequest('Save a CSV', more))
  const text = await (await fetch(azure.url + upstreamPath, request)).text()
  const [file_id = ''] = /"file_id": ?"(cfile_\w+)"/.exec(text)?.slice(1) ?? []
  return { text, file_id }
}

/** Posts a body to `/captures`, and downloads what it cites. */
async function capture({ ask }: World, body: string, type: string, file_id: string) {
  const headers = { 'content-type': type }
  const answer = await ask('/captures', { method: 'POST', headers, body })
  const { files } = (await answer.json()) as { files: { file_id: string; download_url: string }[] }
  expect(files.map((file) => file.file_id)).toContain(file_id)
  for (const { download_url } of files) expect((await ask(download_url)).status).toBe(200)
  expect((await ask(`/files/${file_id}`)).status).toBe(200)
}

/** A signed delivery of Azure's webhook. */
async function delivery(response: string, secret = webhookKey): Promise<RequestInit> {
  return signDelivery(secret, { response, at: Math.floor(Date.now() / 1000) })
}

export const answers: readonly Row[] = [
  {
    title: 'links in the text of an answer are replaced by links that work',
    async run({ ask, answer }) {
      const { text } = await answer()
      expect(text).not.toContain('sandbox:')
      const [, link = ''] = /\]\((http[^)]+)\)/.exec(text) ?? []
      expect((await ask(link, {}, 'nobody')).status).toBe(200)
    },
  },
  {
    title: 'a stream names no file that cannot be downloaded at once, and its links work',
    async run({ ask }) {
      const asked = json(responseRequest('Save a CSV', { stream: true }))
      const answer = await ask(upstreamPath, asked)
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': expect.stringMatching(/^text\/event-stream/),
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
      })
      let text = ''
      for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += chunk
        const [id] = /"file_id": ?"(cfile_\w+)"/.exec(text)?.slice(1) ?? []
        if (id !== undefined) expect((await ask(`/files/${id}`)).status).toBe(200)
      }
      expect(text).toContain('event: response.completed')
      expect(text).not.toMatch(/\(sandbox:/)
      const [, link = ''] = /\]\((http[^)]+)\)/.exec(text) ?? []
      expect((await ask(link, {}, 'nobody')).status).toBe(200)
    },
  },
  {
    title: 'an answer that went through is accepted as history',
    async run({ ask, answer }) {
      const { text } = await answer()
      const input = [{ role: 'user', content: 'Go on' }, ...JSON.parse(text).output]
      const request = { model: 'gpt-4.1', input, tools: codeInterpreter }
      expect((await ask(upstreamPath, json(request))).status).toBe(200)
    },
  },
  {
    title: 'an answer is retrieved again as JSON and as a stream, and deleted',
    async run({ ask, answer }) {
      const { id, file } = await answer()
      const again = await ask(`${upstreamPath}/${id}`)
      expect(citedFiles(await again.json()).at(-1)?.file_id).toBe(file.file_id)
      const { id: later } = await background(ask)
      const stream = await ask(`${upstreamPath}/${later}?stream=true&starting_after=0`)
      expect(await stream.text()).toContain('event: response.completed')
      expect((await ask(`${upstreamPath}/${id}`, { method: 'DELETE' })).status).toBe(200)
      expect(await refused(await ask(`${upstreamPath}/${id}`))).toEqual([404, 'not_found'])
    },
  },
  {
    title: 'answers over a WebSocket are recorded, and errors leave it open',
    async run({ url, ask }) {
      const socket = new WebSocket(url.replace('http', 'ws') + upstreamPath, {
        headers: { authorization: `Bearer ${keys.ann}` },
      })
      const texts: string[] = []
      socket.on('message', (data) => texts.push(String(data)))
      await once(socket, 'open')
      socket.send(JSON.stringify({ type: 'response.create', ...responseRequest('Save a CSV') }))
      await expect.poll(() => texts.at(-1), patient).toContain('"response.completed"')
      const [id] = /"file_id": ?"(cfile_\w+)"/.exec(texts.join())?.slice(1) ?? []
      expect((await ask(`/files/${id}`)).status).toBe(200)
      socket.send('{"type":"response.create"}')
      await expect.poll(() => texts.at(-1), patient).toContain('"type":"error"')
      expect(socket.readyState).toBe(WebSocket.OPEN)
      socket.close()
      await once(socket, 'close')
    },
  },
  {
    title: 'a WebSocket without a key is refused with 401',
    async run({ url }) {
      const socket = new WebSocket(url.replace('http', 'ws') + upstreamPath)
      socket.on('error', () => {})
      const [, { statusCode }] = await once(socket, 'unexpected-response')
      expect(statusCode).toBe(401)
      socket.terminate()
    },
  },
  {
    title: 'a posted answer is captured: as JSON',
    async run(world) {
      const { text, file_id } = await answerDirectly(world)
      await capture(world, text, 'application/json', file_id)
    },
  },
  {
    title: 'a posted answer is captured: as a transcript of its stream',
    async run(world) {
      const { text, file_id } = await answerDirectly(world, { stream: true })
      await capture(world, text, 'text/event-stream', file_id)
    },
  },
  {
    title: 'a posted answer is captured: in the shape of Chat Completions',
    async run(world) {
      const { text, file_id } = await answerDirectly(world)
      const files = citedFiles(JSON.parse(text)).map(({ container_id, file_id, filename }) => ({
        container_id,
        file_id,
        filename,
      }))
      const tool_calls = [{ id: 'call_1', function: { name: 'run', output: { files } } }]
      const message = { role: 'assistant', tool_calls }
      const body = JSON.stringify({ object: 'chat.completion', choices: [{ index: 0, message }] })
      await capture(world, body, 'application/json', file_id)
    },
  },
  {
    title: 'an answer is captured by its id',
    async run(world) {
      const { id, file } = await world.answer()
      const body = JSON.stringify({ response_id: id })
      await capture(world, body, 'application/json', file.file_id)
    },
  },
  {
    title:
      'a webhook makes the files of a background answer downloadable; a wrong signature is 403',
    async run({ ask, azure }) {
      const { id } = await background(ask)
      const done = await (await fetch(`${azure.url}${upstreamPath}/${id}`)).text()
      const [, file_id] = /"file_id": ?"(cfile_\w+)"/.exec(done) ?? []
      expect((await ask('/webhooks', await delivery(id), 'nobody')).status).toBe(200)
      await expect.poll(async () => (await ask(`/files/${file_id}`)).status, patient).toBe(200)
      const forged = await ask('/webhooks', await delivery(id, new Uint8Array(32)), 'nobody')
      expect(await refused(forged)).toEqual([403, 'signature_invalid'])
    },
  },
  {
    title: 'a conversation whose container is gone goes on in a new one',
    async run({ ask, answer, azure, copied }) {
      const { id, file } = await answer()
      await copied(file)
      azure.advance(2 * 3600)
      const request = responseRequest('[list]', { previous_response_id: id })
      const healed = await ask(upstreamPath, json(request))
      expect(healed.headers.get('x-cfile-healed')).toMatch(new RegExp(`^${file.container_id}=cntr`))
      expect(await healed.text()).toContain(file.filename)
    },
  },
  {
    title: 'a container that is gone is restored on demand',
    async run({ ask, answer, azure, copied }) {
      const { file } = await answer()
      await copied(file)
      azure.advance(2 * 3600)
      const path = `/containers/${file.container_id}/restore`
      const answerTo = await ask(path, { method: 'POST' })
      expect(answerTo.status).toBe(200)
      expect(await answerTo.json()).toMatchObject({
        container_id: expect.stringMatching(/^cntr/),
        files: [expect.objectContaining({ path: `/mnt/data/${file.filename}` })],
      })
    },
  },
  {
    title: 'a refusal of Azure passes with its own status and body',
    async run({ ask, azure }) {
      await azure.fault({ match: { path: '/responses' }, kind: 'throttled' })
      const throttled = await ask(upstreamPath, json(responseRequest('Save a CSV')))
      expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '1'])
      expect(throttled.headers.get('x-cfile-request-id')).toBeTruthy()
    },
  },
  {
    title: 'a body that is not strict JSON, or over the limit, goes nowhere',
    async run({ ask }) {
      const headers = { 'content-type': 'application/json' }
      for (const body of ['{"model":NaN}', '{"a":1,}', '{"model":"m"} {}', '[1,2']) {
        const answer = await ask(upstreamPath, { method: 'POST', headers, body })
        expect(await refused(answer), body).toEqual([400, 'invalid_request'])
      }
      const body = JSON.stringify({ model: 'm', input: 'x'.repeat(mostBodyBytes) })
      const large = await ask(upstreamPath, { method: 'POST', headers, body })
      expect(await refused(large)).toEqual([413, 'payload_too_large'])
    },
  },
  {
    title: 'files are uploaded, listed and downloaded through the Files API',
    async run({ ask }) {
      const body = new FormData()
      body.set('purpose', 'assistants')
      body.set('file', new File(['a,b\n1,2\n'], 'sent.csv', { type: 'text/csv' }))
      const sent = await ask('/openai/v1/files', { method: 'POST', body })
      const { id } = (await sent.json()) as { id: string }
      expect(sent.status).toBe(200)
      const list = (await (await ask('/v1/files')).json()) as { data: { id: string }[] }
      expect(list.data.map((row) => row.id)).toContain(id)
      expect(await (await ask(`/openai/v1/files/${id}/content`)).text()).toBe('a,b\n1,2\n')
    },
  },
  {
    title: 'a container file is described, downloaded and deleted through the Files API',
    async run({ ask, answer }) {
      const { file } = await answer()
      const path = `/openai/v1/files/${file.file_id}`
      expect(await (await ask(path)).json()).toMatchObject({
        id: file.file_id,
        object: 'file',
        filename: file.filename,
        container_id: file.container_id,
      })
      expect((await ask(`${path}/content`)).headers.get('content-disposition')).toContain(
        file.filename,
      )
      expect((await ask(path, { method: 'DELETE' })).status).toBe(200)
      expect(await refused(await ask(path))).toEqual([404, 'file_not_found'])
    },
  },
  {
    title: 'the URLs of the AzureOpenAI client and of projects work; a wrong base URL gets a hint',
    async run({ ask }) {
      const asked = json(responseRequest('Save a CSV'))
      for (const path of [
        '/openai/responses?api-version=2025-04-01-preview',
        '/openai/deployments/gpt-4.1/responses?api-version=2025-04-01-preview',
        '/api/projects/p/openai/v1/responses',
        '/v1/responses',
      ]) {
        expect((await ask(path, asked)).status, path).toBe(200)
      }
      const wrong = (await (await ask('/responses', asked)).json()) as { error: { hint: string } }
      expect(wrong.error.hint).toContain('/openai/v1')
    },
  },
]

/** An answer in the background that has ended. */
async function background(ask: World['ask']): Promise<{ readonly id: string }> {
  const asked = json(responseRequest('Save a CSV', { background: true, stream: true }))
  const text = await (await ask(upstreamPath, asked)).text()
  return { id: /"id": ?"(resp_\w+)"/.exec(text)?.[1] ?? '' }
}
