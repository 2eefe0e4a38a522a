import OpenAI, { BadRequestError } from 'openai'
import { zodTextFormat } from 'openai/helpers/zod'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { autoContainer, citationsOf, openEmulator, textOf } from './ask.ts'

const emulator = createEmulator()
const client = new OpenAI({
  baseURL: 'http://emulator.localhost/openai/v1',
  apiKey: 'any',
  maxRetries: 0,
  fetch: async (input, init) => emulator.fetch(new Request(input, init)),
})

interface Node {
  name: string
  next: Node | null
}
const node: z.ZodType<Node> = z.lazy(() => z.object({ name: z.string(), next: node.nullable() }))

const schemas = {
  'of every type': z.object({
    text: z.string(),
    count: z.number().int(),
    share: z.number(),
    isDone: z.boolean(),
    none: z.null(),
    kind: z.enum(['bar', 'line']),
    version: z.literal(2),
    tags: z.array(z.string()),
    maybe: z.string().nullable(),
    either: z.union([z.number(), z.string()]),
    inner: z.object({ rows: z.array(z.object({ id: z.number() })) }),
  }),
  'with limits': z.object({
    low: z.number().min(3).max(7),
    above: z.number().int().gt(10),
    below: z.number().lt(-2),
    tenth: z.number().multipleOf(0.25).min(1),
    rows: z.array(z.number()).min(3).max(4),
    empty: z.array(z.string()).max(0),
    short: z.string().max(2),
    long: z.string().min(20),
  }),
  'with formats': z.object({
    day: z.iso.date(),
    at: z.iso.datetime(),
    mail: z.email(),
    id: z.uuid(),
    ip: z.ipv4(),
  }),
  'that is recursive': z.object({ first: node }),
}

const request = { model: 'gpt-4.1', tools: autoContainer as OpenAI.Responses.Tool[] }

describe('text.format', () => {
  it.each(Object.entries(schemas))('makes JSON that fits a schema %s', async (_, schema) => {
    const format = zodTextFormat(schema, 'answer')
    const request = { model: 'gpt-4.1', input: 'Hello', text: { format } }
    const { output_parsed, output_text } = await client.responses.parse(request)
    expect(schema.safeParse(JSON.parse(output_text)).error).toBeUndefined()
    expect(output_parsed).toEqual(JSON.parse(output_text))
    const stream = client.responses.stream(request)
    expect((await stream.finalResponse()).output_text).toBe(output_text)
  })

  it('cites the files inside the JSON', async () => {
    const { respond } = openEmulator()
    const schema = z.toJSONSchema(z.object({ id: z.number(), summary: z.string() }))
    const format = { type: 'json_schema', name: 'answer', schema }
    for (const prompt of ['Draw a chart. Save "ü 📈.csv".', 'Save "a.csv". [code points]']) {
      const response = await respond(prompt, { text: { format } })
      const text = textOf(response)
      expect(JSON.parse(text)).toMatchObject({ summary: expect.stringContaining('sandbox:') })
      const linked = citationsOf(response).filter(({ end_index }) => end_index > 0)
      expect(linked.length).toBeGreaterThan(0)
      for (const { start_index, end_index, filename } of linked) {
        expect(text.slice(start_index, end_index)).toBe(`sandbox:/mnt/data/${filename}`)
      }
    }
  })

  it('makes any object for json_object, and refuses a format without name or schema', async () => {
    const json = { text: { format: { type: 'json_object' as const } } }
    const { output_text } = await client.responses.create({ ...request, input: 'JSON', ...json })
    expect(JSON.parse(output_text)).toEqual({ answer: expect.any(String) })
    const bad = { type: 'json_schema', schema: {} } as unknown as OpenAI.ResponseFormatJSONSchema
    const text = { format: bad as unknown as OpenAI.Responses.ResponseFormatTextConfig }
    const refused = client.responses.create({ ...request, input: 'JSON', text })
    await expect(refused).rejects.toThrow(BadRequestError)
  })
})
