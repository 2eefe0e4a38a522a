import OpenAI, {
  APIError,
  AuthenticationError,
  AzureOpenAI,
  BadRequestError,
  NotFoundError,
  RateLimitError,
  toFile,
} from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { json } from '../lib/harness.ts'
import { type ServedPair, servePair } from '../lib/served.ts'

let pair: ServedPair
beforeAll(async () => {
  pair = await servePair()
})
afterAll(() => pair.close())

const forms: [name: string, open: () => OpenAI][] = [
  [
    'OpenAI with a base URL',
    () =>
      new OpenAI({ baseURL: `${pair.gateway}/openai/v1`, apiKey: 'of-the-caller', maxRetries: 0 }),
  ],
  [
    'AzureOpenAI with an endpoint and a date',
    () =>
      new AzureOpenAI({
        endpoint: pair.gateway,
        apiVersion: '2025-04-01-preview',
        apiKey: 'of-the-caller',
        maxRetries: 0,
      }),
  ],
]

const request = {
  model: 'gpt-5-mini',
  input: 'Draw a chart and save the numbers as a CSV.',
  tools: [{ type: 'code_interpreter', container: { type: 'auto' } }] as OpenAI.Responses.Tool[],
}

function citationsOf({ output }: OpenAI.Responses.Response) {
  return output
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .flatMap((part) => (part.type === 'output_text' ? part.annotations : []))
    .filter((annotation) => annotation.type === 'container_file_citation')
}

// These differ in each answer: padding, and expiry seconds in links.
const fleeting = ['obfuscation', 'download_url', 'download_expires_at']

function plain(value: object): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, field) => (fleeting.includes(key) ? undefined : field)),
  )
}

async function fault(what: object): Promise<void> {
  await fetch(`${pair.emulator}/emulator/faults`, json(what))
}

describe.each(forms)('%s', (_, open) => {
  it('retrieves, downloads and deletes container files as with the Assistants API', async () => {
    const client = open()
    const file = citationsOf(await client.responses.create(request)).at(-1)
    const id = file?.file_id ?? ''
    expect(await client.files.retrieve(id)).toMatchObject({
      id,
      object: 'file',
      filename: file?.filename,
      purpose: 'assistants_output',
    })
    const content = await client.files.content(id)
    expect(content.headers.get('content-disposition')).toContain('attachment')
    const download = await fetch(`${pair.gateway}/files/${id}`)
    expect(await content.bytes()).toEqual(await download.bytes())
    expect(await client.files.delete(id)).toEqual({ id, object: 'file', deleted: true })
    await expect(client.files.retrieve(id)).rejects.toThrow(NotFoundError)
  })

  it('creates a response whose files can be downloaded by id', async () => {
    const client = open()
    const response = await client.responses.create(request)
    const files = citationsOf(response)
    expect(files.length).toBeGreaterThan(1)
    for (const { container_id, file_id } of files) {
      const content = await client.containers.files.content.retrieve(file_id, { container_id })
      const bytes = await content.arrayBuffer()
      const download = await fetch(`${pair.gateway}/files/${file_id}`)
      expect(await download.arrayBuffer()).toEqual(bytes)
    }
  })

  it('streams, retrieves and resumes a stream', async () => {
    const client = open()
    const events: OpenAI.Responses.ResponseStreamEvent[] = []
    const created = await client.responses.create({ ...request, stream: true, background: true })
    for await (const event of created) events.push(event)
    const last = events.at(-1)
    if (last?.type !== 'response.completed') throw new Error(`it ended with ${last?.type}`)
    const { id } = last.response
    const found = await client.responses.retrieve(id)
    expect(plain(citationsOf(found))).toEqual(plain(citationsOf(last.response)))
    const from = Math.floor(events.length / 2)
    const again: OpenAI.Responses.ResponseStreamEvent[] = []
    const resumed = await client.responses.retrieve(id, { stream: true, starting_after: from })
    for await (const event of resumed) again.push(event)
    expect(again.map(plain)).toEqual(events.slice(from + 1).map(plain))
  })

  it('waits for a background response, cancels, reads the input, compacts, deletes', async () => {
    const client = open()
    const started = await client.responses.create({ ...request, background: true })
    expect(['queued', 'in_progress']).toContain(started.status)
    let found = started
    for (let polls = 0; found.status !== 'completed' && polls < 20; polls += 1) {
      found = await client.responses.retrieve(started.id)
    }
    const [file] = citationsOf(found)
    expect((await fetch(`${pair.gateway}/files/${file?.file_id}`)).status).toBe(200)
    const other = await client.responses.create({ ...request, background: true })
    expect((await client.responses.cancel(other.id)).status).toBe('cancelled')
    const items = await client.responses.inputItems.list(found.id)
    expect(items.data.length).toBe(1)
    const compacted = await client.responses.compact({ model: 'gpt-5.1', input: 'hi' })
    expect(compacted.object).toBe('response.compaction')
    await client.responses.delete(found.id)
    await expect(client.responses.retrieve(found.id)).rejects.toBeInstanceOf(NotFoundError)
  })

  it('replays an answer with its links as the input of the next', async () => {
    const client = open()
    const { output } = await client.responses.create(request)
    const input = [...output, { role: 'user' as const, content: 'Save it as a PDF.' }]
    const next = await client.responses.create({
      ...request,
      input: input as OpenAI.Responses.ResponseInput,
    })
    expect(citationsOf(next).length).toBeGreaterThan(0)
  })

  it('does the nine operations on containers', async () => {
    const client = open()
    const { id } = await client.containers.create({ name: 'mine' })
    expect((await client.containers.retrieve(id)).name).toBe('mine')
    expect((await client.containers.list()).data.map((row) => row.id)).toContain(id)
    const paths: string[] = []
    for (const name of ['1.txt', '2.txt', '3.txt']) {
      const file = await toFile(new TextEncoder().encode(name), name)
      paths.push((await client.containers.files.create(id, { file })).path)
    }
    const listed: string[] = []
    for await (const row of client.containers.files.list(id, { limit: 2, order: 'asc' })) {
      listed.push(row.path)
      expect((await client.containers.files.retrieve(row.id, { container_id: id })).id).toBe(row.id)
    }
    expect(listed).toEqual(paths)
    const { data } = await client.containers.files.list(id, { order: 'asc' })
    const first = data[0]?.id ?? ''
    const content = await client.containers.files.content.retrieve(first, { container_id: id })
    expect(await content.text()).toBe('1.txt')
    await client.containers.files.delete(first, { container_id: id })
    await expect(
      client.containers.files.retrieve(first, { container_id: id }),
    ).rejects.toBeInstanceOf(NotFoundError)
    await client.containers.delete(id)
    await expect(client.containers.retrieve(id)).rejects.toBeInstanceOf(NotFoundError)
  })

  it('uploads, lists, reads and deletes files', async () => {
    const client = open()
    const file = await toFile(new TextEncoder().encode('x,y\n'), 'in.csv')
    const upload = await client.files.create({ file, purpose: 'assistants' })
    expect((await client.files.list()).data.map(({ id }) => id)).toContain(upload.id)
    expect((await client.files.retrieve(upload.id)).filename).toBe('in.csv')
    expect(await (await client.files.content(upload.id)).text()).toBe('x,y\n')
    expect((await client.files.delete(upload.id)).deleted).toBe(true)
  })

  it('chats, embeds, lists models, converses', async () => {
    const client = open()
    const messages = [{ role: 'user' as const, content: 'hi' }]
    const chat = await client.chat.completions.create({ model: 'gpt-4.1', messages })
    let streamed = ''
    for await (const chunk of await client.chat.completions.create({
      model: 'gpt-4.1',
      messages,
      stream: true,
    })) {
      streamed += chunk.choices[0]?.delta.content ?? ''
    }
    expect(streamed).toBe(chat.choices[0]?.message.content)
    const embedded = await client.embeddings.create({ model: 'e', input: ['a', 'b'] })
    expect(embedded.data.length).toBe(2)
    expect((await client.models.list()).data.length).toBeGreaterThan(0)
    const conversation = await client.conversations.create({})
    await client.responses.create({ ...request, conversation: conversation.id })
    const items = await client.conversations.items.list(conversation.id)
    expect(items.data.length).toBeGreaterThan(1)
  })

  it('throws its typed errors with status, message and request id of the upstream', async () => {
    const client = open()
    const raised = async (call: () => Promise<unknown>) =>
      (await call().catch((error: unknown) => error)) as APIError
    const message = 'The server had an error while processing your request.'
    const cases = [
      [{ kind: 'server_error' }, APIError, 500, message],
      [{ kind: 'throttled' }, RateLimitError, 429, 'Requests have exceeded'],
      [{ kind: 'wrong_key' }, AuthenticationError, 401, ''],
    ] as const
    for (const [what, type, status, text] of cases) {
      await fault({ ...what, times: 1 })
      const error = await raised(() => client.responses.create(request))
      expect(error).toBeInstanceOf(type)
      expect(error.status).toBe(status)
      expect(error.message).toContain(text)
      expect(error.requestID).toBeTruthy()
    }
    const refused = await raised(() => client.containers.retrieve('not an id'))
    expect(refused).toBeInstanceOf(BadRequestError)
    expect(refused.code).toBe('invalid_id')
  })

  it('throws an error in the middle of a stream', async () => {
    const client = open()
    const run = async () => {
      const stream = await client.responses.create({ ...request, input: '[error]', stream: true })
      for await (const _ of stream) {
        // Read to the end.
      }
    }
    await expect(run()).rejects.toBeInstanceOf(APIError)
  })
})
