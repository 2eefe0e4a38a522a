/**
 * The Responses API, by POST and over WebSocket.
 *
 * @module
 */

import { type Context, Hono } from 'hono'
import { makeOutput } from './answer.ts'
import { checkModel } from './completions.ts'
import { conversationOf } from './conversations.ts'
import {
  invalidRequest,
  isJson,
  type Json,
  json,
  listPage,
  missingParameter,
  notFound,
  parseJson,
  readJson,
} from './json.ts'
import { directs } from './plan.ts'
import { checkReplay, containerFor, promptOf, readInput } from './request.ts'
import { currentResponse, makeResponse, usageOf, withOutputs } from './response-object.ts'
import { resumeStream, streamResponse } from './response-stream.ts'
import { readFormat } from './structured.ts'
import { sendWebhooks } from './webhooks.ts'
import type { Emulation, EmulatorContext, EmulatorEnv, StoredResponse, World } from './world.ts'

/**
 * The routes below `/responses`.
 *
 * @param emulation clock, ids and deployments
 * @see https://platform.openai.com/docs/api-reference/responses
 */
export function responseRoutes(emulation: Emulation): Hono<EmulatorEnv> {
  const { now } = emulation
  const routes = new Hono<EmulatorEnv>()
  const stored = (c: Context<EmulatorEnv>) => find(c.var.world, c.req.param('response') ?? '')
  routes.post('/', (c) => create(emulation, c))
  routes.post('/compact', async (c) => json(compact(emulation, await readJson(c))))
  routes.post('/input_tokens', async (c) => {
    const prompt = promptOf(readInput((await readJson(c)).input, () => ''))
    return json({
      object: 'response.input_tokens',
      input_tokens: usageOf(prompt, []).input_tokens,
    })
  })
  routes.get('/:response', (c) => {
    const response = stored(c)
    const include = c.req.queries('include[]') ?? c.req.queries('include') ?? []
    if (c.req.query('stream') === 'true') return resumeStream(emulation, c, response, include)
    response.polls += 1
    return json(withOutputs(currentResponse(response, now()), include))
  })
  routes.delete('/:response', (c) => {
    const { id } = stored(c)
    c.var.world.responses.delete(id)
    return json({ id, object: 'response', deleted: true })
  })
  routes.post('/:response/cancel', (c) => {
    const response = stored(c)
    if (!response.finished.background) {
      throw invalidRequest(400, 'Cannot cancel a synchronous response.')
    }
    const { status } = currentResponse(response, now())
    response.cancelled ||= status === 'queued' || status === 'in_progress'
    return json(withOutputs(currentResponse(response, now()), []))
  })
  routes.get('/:response/input_items', (c) => listPage(c, stored(c).input, (item) => item))
  return routes
}

/**
 * Finds a stored response.
 *
 * @throws Refusal 404
 */
function find(world: World, id: string): StoredResponse {
  const response = world.responses.get(id)
  if (response === undefined) throw notFound('Response', id)
  return response
}

/**
 * Answers a request for a response, as JSON or as a stream.
 *
 * @throws Refusal
 */
async function create(emulation: Emulation, c: EmulatorContext): Promise<Response> {
  const body = await readJson(c)
  check(emulation, body)
  const stored = await answer(emulation, c.var.world, body)
  if (body.store !== false) sendWebhooks(emulation, c.var.world, stored).catch(() => {})
  const include = Array.isArray(body.include) ? body.include : []
  if (body.stream === true)
    return streamResponse(emulation, c, stored, include, body.stream_options)
  return json(withOutputs(currentResponse(stored, emulation.now()), include))
}

/**
 * Checks the parameters that Azure checks before it answers.
 *
 * @throws Refusal 400, 404
 */
function check(emulation: Emulation, body: Json): void {
  checkModel(emulation, body.model)
  if (
    ['input', 'previous_response_id', 'conversation', 'prompt'].every((key) => body[key] == null)
  ) {
    throw missingParameter('input')
  }
  if (body.background === true && body.store === false) {
    throw invalidRequest(400, "Background mode requires 'store' to be true.", 'background')
  }
  if (body.previous_response_id != null && body.conversation != null) {
    throw invalidRequest(
      400,
      "Mutually exclusive parameters: 'previous_response_id' and 'conversation'.",
      null,
      'mutually_exclusive_parameters',
    )
  }
  checkReplay(body.input)
}

/** Creates a response and stores it, unless the request says not to. */
async function answer(emulation: Emulation, world: World, body: Json): Promise<StoredResponse> {
  const { ids, now } = emulation
  const format = readFormat(body.text)
  const previous = previousOf(world, body.previous_response_id)
  const conversation = conversationOf(world, body.conversation)
  const earlier = conversation?.containerId ?? previous?.containerId
  const container = containerFor(world, emulation, body, earlier)
  const shared = ids.hex(16)
  const input = readInput(body.input, () => ids.ofAnswer('msg', shared, now()))
  const prompt = promptOf(input)
  const model = String(body.model)
  const output = await makeOutput(emulation, { prompt, model, shared, container, format })
  const id = ids.ofAnswer('resp', shared, now())
  const conversationId = conversation?.id
  const stored: StoredResponse = {
    id,
    finished: makeResponse({ id, now: now(), prompt, output, conversationId, body }),
    input,
    containerId: container?.id ?? earlier,
    streamed: body.stream === true,
    sendsError: directs(prompt, 'error'),
    polls: 0,
    cancelled: false,
  }
  if (body.store !== false) world.responses.set(id, stored)
  if (conversation !== undefined) {
    conversation.items.push(...input, ...stored.finished.output.map((item) => ({ ...item })))
    conversation.containerId = stored.containerId
  }
  return stored
}

/**
 * Finds the response that a request continues.
 *
 * @throws Refusal 400 for an unknown one
 */
function previousOf(world: World, id: unknown): StoredResponse | undefined {
  if (id == null) return undefined
  const previous = world.responses.get(String(id))
  if (previous !== undefined) return previous
  const message = `Previous response with id '${id}' not found.`
  throw invalidRequest(400, message, 'previous_response_id', 'previous_response_not_found')
}

/**
 * A compaction: the user's items, and an item that stands for the rest.
 *
 * @see https://platform.openai.com/docs/api-reference/responses/compact
 */
function compact(emulation: Emulation, body: Json) {
  const { ids, now } = emulation
  checkModel(emulation, body.model)
  checkReplay(body.input)
  const shared = ids.hex(16)
  const input = readInput(body.input, () => ids.ofAnswer('msg', shared, now()))
  return {
    id: ids.ofAnswer('resp', shared, now()),
    object: 'response.compaction',
    created_at: now(),
    output: [
      ...input.filter(({ role }) => role === 'user'),
      {
        id: ids.ofAnswer('cmp', shared, now()),
        type: 'compaction',
        encrypted_content: btoa('not encrypted: made by an emulator'),
      },
    ],
    usage: usageOf(promptOf(input), []),
  }
}

/** One end of a WebSocket. */
interface Socket {
  next(): Promise<string | Uint8Array | undefined>
  send(text: string): Promise<void>
}

interface Bindings {
  /** Accepts the socket; absent if the runtime has no WebSocket. */
  readonly upgrade?: (serve: (socket: Socket) => Promise<void>) => Response
}

/**
 * Accepts a WebSocket at `/responses`.
 *
 * @param ask answers a request by POST; each message is sent to it as a request for a stream
 * @param c request to upgrade, with the runtime's `upgrade` in its bindings
 * @throws Refusal 400 on a runtime without WebSockets
 */
export function acceptSocket(ask: Emulation['ask'], c: EmulatorContext): Response {
  const { upgrade } = (c.env ?? {}) as Bindings
  if (upgrade === undefined) throw invalidRequest(400, 'This emulator accepts no WebSocket here.')
  const url = new URL(c.req.url)
  const headers = new Headers(c.req.raw.headers)
  headers.delete('upgrade')
  headers.set('content-type', 'application/json')
  return upgrade(async (socket) => {
    for (let text = await socket.next(); text !== undefined; text = await socket.next()) {
      await answerMessage(ask, new Request(url, { headers }), socket, String(text))
    }
  })
}

/** Answers one message by asking for a stream, and sends its events. */
async function answerMessage(
  ask: Emulation['ask'],
  { url, headers }: Request,
  socket: Socket,
  text: string,
): Promise<void> {
  const message = parseJson(text)
  if (!isJson(message) || message.type !== 'response.create') {
    return socket.send(
      errorEvent(400, 'invalid_request_error', 'Expected "type": "response.create".'),
    )
  }
  const { type: _, ...body } = message
  const init = { method: 'POST', headers, body: JSON.stringify({ ...body, stream: true }) }
  const answer = await ask(new Request(url, init))
  const transcript = await answer.text()
  if (!answer.ok) {
    const { error } = JSON.parse(transcript)
    return socket.send(JSON.stringify({ type: 'error', status: answer.status, error }))
  }
  for (const event of transcript.split('\n\n')) {
    const data = event
      .split('\n')
      .find((line) => line.startsWith('data: '))
      ?.slice(6)
    if (data !== undefined && data !== '[DONE]') await socket.send(data)
  }
}

function errorEvent(status: number, code: string, message: string): string {
  return JSON.stringify({
    type: 'error',
    status,
    error: { type: code, code, message, param: null },
  })
}
