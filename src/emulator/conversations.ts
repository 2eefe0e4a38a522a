/**
 * Conversations, as far as responses use them.
 *
 * @module
 */

import { type Context, Hono } from 'hono'
import { isJson, json, listPage, notFound, readJson } from './json.ts'
import { checkReplay, readInput } from './request.ts'
import type { Conversation, Emulation, EmulatorEnv, InputItem, World } from './world.ts'

/**
 * Finds the conversation that a request names by id or as an object.
 *
 * @param world in which it must exist
 * @param named an id, an object with an `id`, or nothing
 * @throws Refusal 404 for an unknown id
 */
export function conversationOf(world: World, named: unknown): Conversation | undefined {
  if (named == null) return undefined
  return find(world, String(isJson(named) ? named.id : named))
}

/**
 * The routes below `/conversations`.
 *
 * @param emulation clock and ids
 * @see https://platform.openai.com/docs/api-reference/conversations
 */
export function conversationRoutes({ now, ids }: Emulation): Hono<EmulatorEnv> {
  const routes = new Hono<EmulatorEnv>()
  const named = (c: Context<EmulatorEnv>) => find(c.var.world, c.req.param('conversation') ?? '')
  const read = (items: unknown): InputItem[] => {
    checkReplay(items, 'items')
    return readInput(items, () => ids.ofAnswer('msg', ids.hex(16), now()))
  }
  routes.post('/', async (c) => {
    const { metadata = {}, items } = await readJson(c)
    const id = ids.ofAnswer('conv', ids.hex(16), now())
    const conversation = { id, created_at: now(), metadata, items: read(items) }
    c.var.world.conversations.set(id, conversation)
    return json(conversationObject(conversation))
  })
  routes.get('/:conversation', (c) => json(conversationObject(named(c))))
  routes.post('/:conversation', async (c) => {
    const conversation = named(c)
    conversation.metadata = (await readJson(c)).metadata
    return json(conversationObject(conversation))
  })
  routes.delete('/:conversation', (c) => {
    const { id } = named(c)
    c.var.world.conversations.delete(id)
    return json({ id, object: 'conversation.deleted', deleted: true })
  })
  routes.get('/:conversation/items', (c) => listPage(c, named(c).items, (item) => item))
  routes.post('/:conversation/items', async (c) => {
    const conversation = named(c)
    const items = read((await readJson(c)).items)
    conversation.items.push(...items)
    const ends = { first_id: items[0]?.id ?? null, last_id: items.at(-1)?.id ?? null }
    return json({ object: 'list', data: items, ...ends, has_more: false })
  })
  return routes
}

/**
 * Finds a conversation.
 *
 * @throws Refusal 404
 */
function find(world: World, id: string): Conversation {
  const conversation = world.conversations.get(id)
  if (conversation === undefined) throw notFound('Conversation', id)
  return conversation
}

/** The API's representation of a conversation. */
function conversationObject({ id, created_at, metadata }: Conversation): {
  id: string
  object: 'conversation'
  created_at: number
  metadata: unknown
} {
  return { id, object: 'conversation', created_at, metadata }
}
