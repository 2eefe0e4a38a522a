/**
 * Webhook endpoints as registered at Azure, and signed events for them (Standard Webhooks 1.0.0).
 *
 * @module
 */

import { Hono } from 'hono'
import { invalidRequest, json, notFound, readJson } from './json.ts'
import type { Emulation, EmulatorEnv, StoredResponse, WebhookEndpoint, World } from './world.ts'

/**
 * The routes below `/dashboard/webhook_endpoints`.
 *
 * @param emulation clock and ids
 * @see https://platform.openai.com/docs/guides/webhooks
 */
export function webhookRoutes({ now, ids }: Emulation): Hono<EmulatorEnv> {
  const routes = new Hono<EmulatorEnv>()
  routes.post('/', async (c) => {
    const { name, url, event_types } = await readJson(c)
    if (typeof url !== 'string' || !URL.canParse(url)) {
      throw invalidRequest(400, "Invalid 'url': expected a URL.", 'url')
    }
    const types = Array.isArray(event_types) ? event_types.map(String) : []
    const endpoint: WebhookEndpoint = {
      id: `whe_${ids.hex(24)}`,
      created_at: now(),
      name: String(name ?? ''),
      url,
      event_types: types,
      secret: btoa(ids.hex(32)),
    }
    c.var.world.webhooks.set(endpoint.id, endpoint)
    // The secret is shown only once.
    return json({ ...describe(endpoint), signing_secret: `whsec_${endpoint.secret}` })
  })
  routes.get('/', (c) =>
    json({
      object: 'list',
      data: [...c.var.world.webhooks.values()].map(describe),
      has_more: false,
    }),
  )
  routes.delete('/:endpoint', (c) => {
    const id = c.req.param('endpoint')
    if (!c.var.world.webhooks.delete(id)) throw notFound('Webhook endpoint', id)
    return json({ id, object: 'webhook_endpoint.deleted', deleted: true })
  })
  return routes
}

function describe({ secret: _, ...fields }: WebhookEndpoint) {
  return { object: 'webhook_endpoint', ...fields }
}

/**
 * Sends the end of a response to the registered endpoints, in the background.
 *
 * @param emulation clock, ids and network
 * @param world whose endpoints get the event
 * @param stored response that ended
 * @returns when all were sent; failures are ignored
 */
export async function sendWebhooks(
  emulation: Emulation,
  world: World,
  { id, finished }: StoredResponse,
): Promise<void> {
  const { ids, now } = emulation
  const type = `response.${finished.status}`
  const endpoints = [...world.webhooks.values()].filter(({ event_types }) =>
    event_types.includes(type),
  )
  if (endpoints.length === 0) return
  const eventId = `evt_${ids.hex(24)}`
  const body = JSON.stringify({
    id: eventId,
    object: 'event',
    created_at: now(),
    type,
    data: { id },
  })
  await Promise.all(endpoints.map((endpoint) => deliver(emulation, endpoint, eventId, body)))
}

/** Sends one signed event. The emulator tries once. */
async function deliver(
  { now, fetch }: Emulation,
  { url, secret }: WebhookEndpoint,
  id: string,
  body: string,
): Promise<void> {
  const timestamp = String(now())
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${await sign(secret, `${id}.${timestamp}.${body}`)}`,
  }
  await fetch(url, { method: 'POST', headers, body }).catch(() => {})
}

/**
 * Signs as Standard Webhooks say: HMAC-SHA-256 over `id.timestamp.body`, in base64.
 *
 * @param secret in base64, without `whsec_`
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
async function sign(secret: string, text: string): Promise<string> {
  const key = await crypto.subtle.importKey(
    'raw',
    Uint8Array.from(atob(secret), (char) => char.charCodeAt(0)),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  )
  const signature = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text))
  return btoa(String.fromCharCode(...new Uint8Array(signature)))
}
