/**
 * Chat completions, embeddings and the list of models, as far as simple clients use them.
 *
 * @module
 */

import { Hono } from 'hono'
import { random } from './content.ts'
import { azureRefusal, type Json, json, missingParameter, notFound, readJson } from './json.ts'
import type { Emulation, EmulatorContext, EmulatorEnv } from './world.ts'

const disclaimer = "This is cfile's emulator; no model runs here."

/**
 * The routes below `/openai/v1`, and below a deployment in the dated form.
 *
 * @param emulation clock, ids and deployments
 * @see https://platform.openai.com/docs/api-reference/chat
 */
export function completionRoutes(emulation: Emulation): Hono<EmulatorEnv> {
  const routes = new Hono<EmulatorEnv>()
  const read = async (c: EmulatorContext): Promise<Json> => {
    const body = await readJson(c)
    const model = body.model ?? c.req.param('deployment')
    checkModel(emulation, model)
    return { ...body, model }
  }
  routes.post('/chat/completions', async (c) => chat(emulation, await read(c)))
  routes.post('/embeddings', async (c) => json(embeddings(await read(c))))
  const models = emulation.models ?? ['gpt-4.1', 'gpt-5-mini', 'text-embedding-3-small']
  const modelObject = (id: string) => ({
    id,
    object: 'model',
    created: 1735689600,
    owned_by: 'azure',
  })
  routes.get('/models', () => json({ object: 'list', data: models.map(modelObject) }))
  routes.get('/models/:model', (c) => {
    const id = c.req.param('model')
    if (!models.includes(id)) throw notFound('Model', id)
    return json(modelObject(id))
  })
  return routes
}

/**
 * Checks that a deployment exists.
 *
 * @param emulation its `models`; without them every name exists
 * @param model of the body, or the deployment in the path
 * @throws Refusal 400 without a name, 404 for an unknown name
 */
export function checkModel({ models }: Emulation, model: unknown): void {
  if (typeof model !== 'string') throw missingParameter('model')
  if (models?.includes(model) ?? true) return
  throw azureRefusal(
    404,
    'DeploymentNotFound',
    'The API deployment for this resource does not exist.',
  )
}

/** A chat completion, as JSON or as a stream. Its text is always the same. */
function chat({ ids, now }: Emulation, body: Json): Response {
  if (!Array.isArray(body.messages)) throw missingParameter('messages')
  const shared = { id: `chatcmpl-${ids.hex(29)}`, created: now(), model: body.model }
  const tokens = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
  if (body.stream !== true) {
    const message = { role: 'assistant', content: disclaimer, refusal: null, annotations: [] }
    const choice = { index: 0, message, finish_reason: 'stop', logprobs: null }
    return json({ ...shared, object: 'chat.completion', choices: [choice], usage: tokens })
  }
  const chunk = (delta: object, finish_reason: string | null) => ({
    ...shared,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason, logprobs: null }],
  })
  const words = disclaimer.match(/ ?\S+/g) ?? []
  const chunks = [
    chunk({ role: 'assistant', content: '', refusal: null }, null),
    ...words.map((content) => chunk({ content }, null)),
    chunk({}, 'stop'),
  ]
  const lines = [...chunks.map((one) => JSON.stringify(one)), '[DONE]']
  const text = lines.map((line) => `data: ${line}\n\n`).join('')
  return new Response(text, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
}

/**
 * Vectors of numbers from -1 to 1 that depend only on the input.
 *
 * @see https://platform.openai.com/docs/api-reference/embeddings
 */
function embeddings({ input, model, dimensions = 1536, encoding_format }: Json) {
  if (input == null) throw missingParameter('input')
  const data = (Array.isArray(input) ? input : [input]).map((text, index) => {
    const next = random(String(text))
    const vector = Float32Array.from({ length: Number(dimensions) }, () => next() / 2 ** 31 - 1)
    const bytes = new Uint8Array(vector.buffer)
    const base64 = () => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
    const embedding = encoding_format === 'base64' ? base64() : [...vector]
    return { object: 'embedding', index, embedding }
  })
  return { object: 'list', data, model, usage: { prompt_tokens: 0, total_tokens: 0 } }
}
