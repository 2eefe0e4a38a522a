import OpenAI, {
  APIError,
  AuthenticationError,
  NotFoundError,
  RateLimitError,
  toFile,
} from 'openai'
import { describe, expect, it } from 'vitest'
import { createEmulator, type EmulatorOptions } from '../../src/emulator/emulator.ts'
import { autoContainer, first, jsonInit } from './ask.ts'

function openClient(options: EmulatorOptions = {}, apiKey = 'a-key') {
  const emulator = createEmulator(options)
  const client = new OpenAI({
    apiKey,
    baseURL: 'https://emulator.test/openai/v1',
    maxRetries: 0,
    fetch: async (input, init) => emulator.fetch(new Request(input, init)),
  })
  return { client, emulator }
}

const request = {
  model: 'gpt-5-mini',
  input: 'Draw a chart and save the numbers as a CSV.',
  tools: autoContainer as OpenAI.Responses.Tool[],
}

function citationsOf({ output }: OpenAI.Responses.Response) {
  const annotations = output.flatMap((item) =>
    item.type === 'message'
      ? item.content.flatMap((part) => (part.type === 'output_text' ? part.annotations : []))
      : [],
  )
  return annotations.filter((annotation) => annotation.type === 'container_file_citation')
}

describe('the official SDK', () => {
  it('asks, and downloads the cited file', async () => {
    const { client } = openClient()
    const response = await client.responses.create(request)
    expect(response.output_text).toContain('(sandbox:/mnt/data/sales.csv)')
    const files = citationsOf(response)
    expect(files.map(({ filename }) => filename.replace(/^cfile_.*/, 'plot'))).toEqual([
      'plot',
      'sales_chart.png',
      'sales.csv',
    ])
    for (const { container_id, file_id } of files) {
      const content = await client.containers.files.content.retrieve(file_id, { container_id })
      const { bytes } = await client.containers.files.retrieve(file_id, { container_id })
      expect((await content.arrayBuffer()).byteLength).toBe(bytes)
    }
  })

  it('reads a stream to the same answer that it can read later', async () => {
    const { client } = openClient()
    const stream = client.responses.stream(request)
    let text = ''
    for await (const event of stream) {
      if (event.type === 'response.output_text.delta') text += event.delta
    }
    const response = await stream.finalResponse()
    expect(text).toBe(response.output_text)
    const later = await client.responses.retrieve(response.id)
    expect(citationsOf(later)).toEqual(citationsOf(response))
    expect(citationsOf(later)).toHaveLength(3)
  })

  it('waits for a background response, cancels, reads the input, deletes', async () => {
    const { client } = openClient()
    let response = await client.responses.create({ ...request, background: true })
    const statuses = [response.status]
    while (response.status === 'queued' || response.status === 'in_progress') {
      response = await client.responses.retrieve(response.id)
      statuses.push(response.status)
    }
    expect(statuses).toEqual(['queued', 'in_progress', 'completed'])
    const items = await client.responses.inputItems.list(response.id)
    expect(items.data).toHaveLength(1)
    const other = await client.responses.create({ ...request, background: true })
    expect((await client.responses.cancel(other.id)).status).toBe('cancelled')
    await client.responses.delete(response.id)
    await expect(client.responses.retrieve(response.id)).rejects.toBeInstanceOf(NotFoundError)
  })

  it('does all nine operations on containers', async () => {
    const { client } = openClient()
    const { id } = await client.containers.create({ name: 'mine' })
    expect((await client.containers.retrieve(id)).status).toBe('running')
    const names: string[] = []
    for await (const container of client.containers.list({ limit: 1 })) names.push(container.name)
    expect(names).toEqual(['mine'])
    const file = await client.containers.files.create(id, {
      file: await toFile(new TextEncoder().encode('a,b\n'), 'in.csv'),
    })
    const container_id = id
    for (let index = 0; index < 3; index += 1) {
      await client.containers.files.create(id, {
        file: await toFile(new TextEncoder().encode(`${index}`), `${index}.txt`),
      })
    }
    const paths: string[] = []
    for await (const row of client.containers.files.list(id, { limit: 2, order: 'asc' })) {
      paths.push(row.path.slice(-5))
    }
    expect(paths).toEqual(['n.csv', '0.txt', '1.txt', '2.txt'].map((end) => end.slice(-5)))
    const content = await client.containers.files.content.retrieve(file.id, { container_id })
    expect(await content.text()).toBe('a,b\n')
    await client.containers.files.delete(file.id, { container_id })
    await expect(
      client.containers.files.retrieve(file.id, { container_id }),
    ).rejects.toBeInstanceOf(NotFoundError)
    await client.containers.delete(id)
    await expect(client.containers.retrieve(id)).rejects.toBeInstanceOf(NotFoundError)
  })

  it('uploads a file, mounts it, reads it back', async () => {
    const { client } = openClient()
    const upload = await client.files.create({
      file: await toFile(new TextEncoder().encode('x,y\n'), 'in.csv'),
      purpose: 'assistants',
    })
    expect(await (await client.files.content(upload.id)).text()).toBe('x,y\n')
    const { id } = await client.containers.create({ name: 'a', file_ids: [upload.id] })
    const { data } = await client.containers.files.list(id)
    expect(first(data)).toMatchObject({ path: `/mnt/data/${upload.id}-in.csv`, source: 'user' })
    expect((await client.files.list()).data).toHaveLength(1)
    expect((await client.files.delete(upload.id)).deleted).toBe(true)
  })

  it('chats, embeds, lists models, compacts, counts, converses', async () => {
    const { client } = openClient()
    const messages = [{ role: 'user' as const, content: 'hi' }]
    const chat = await client.chat.completions.create({ model: 'gpt-4.1', messages })
    expect(chat.choices[0]?.message.content).toContain('no model runs here')
    let streamed = ''
    const chunks = await client.chat.completions.create({ model: 'm', messages, stream: true })
    for await (const chunk of chunks) streamed += chunk.choices[0]?.delta.content ?? ''
    expect(streamed).toBe(chat.choices[0]?.message.content)
    const embedded = await client.embeddings.create({
      model: 'e',
      input: ['a', 'b'],
      dimensions: 8,
    })
    expect(embedded.data.map(({ embedding }) => embedding.length)).toEqual([8, 8])
    expect(embedded.data[0]?.embedding).not.toEqual(embedded.data[1]?.embedding)
    const { data } = await client.models.list()
    expect((await client.models.retrieve(first(data).id)).object).toBe('model')
    const compacted = await client.responses.compact({ model: 'gpt-5.1', input: 'hi' })
    expect(compacted.object).toBe('response.compaction')
    const counted = await client.responses.inputTokens.count({ input: 'twelve chars' })
    expect(counted.input_tokens).toBe(3)
    const conversation = await client.conversations.create({})
    await client.responses.create({ ...request, conversation: conversation.id })
    const items = await client.conversations.items.list(conversation.id)
    expect(items.data.length).toBeGreaterThan(2)
  })

  it('raises its typed errors, with message and request id', async () => {
    const { client, emulator } = openClient({ apiKey: 'other' })
    const refused = await client.models.list().catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(AuthenticationError)
    expect((refused as APIError).requestID).toMatch(/^[0-9a-f-]{36}$/)
    await emulator.request(
      '/emulator/faults',
      jsonInit([{ kind: 'throttled' }, { kind: 'server_error' }]),
    )
    await expect(client.models.list()).rejects.toBeInstanceOf(RateLimitError)
    await expect(client.models.list()).rejects.toMatchObject({ status: 500, code: 'server_error' })
  })

  it('raises an error in the middle of a stream, and reports a failed response', async () => {
    const { client } = openClient()
    const run = async (input: string) => {
      const statuses: unknown[] = []
      for await (const event of await client.responses.create({
        ...request,
        input,
        stream: true,
      })) {
        if ('response' in event) statuses.push(event.response.status)
      }
      return statuses
    }
    expect(await run('[fail]')).toEqual(['in_progress', 'in_progress', 'failed'])
    await expect(run('[error]')).rejects.toBeInstanceOf(APIError)
  })
})
