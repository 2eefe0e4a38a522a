/**
 * `POST /webhooks`: Azure reports that a response has ended. The signature authenticates Azure, so no key is needed.
 *
 * @see https://platform.openai.com/docs/guides/webhooks
 * @module
 */

import { Hono } from 'hono/tiny'
import * as z from 'zod/mini'
import { CfileError } from '../core/errors.ts'
import { parseJson, readBounded } from '../core/http/body.ts'
import { isId } from '../core/ids.ts'
import {
  addWebhook,
  captureFromWebhook,
  createWebhookVerifier,
} from '../gateway/capture/webhook.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { addPath, type RouteContext, type RouteEnv } from './request.ts'
import { type WebhookEvent, webhookEvent } from './schemas.ts'

// Events contain the id of a response, not the response itself.
const mostBytes = 256 * 1024

/** Creates the route at `/webhooks`. Without secrets nothing is served there. */
export function webhookRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  const { webhooks } = gateway
  if (webhooks === undefined) return routes
  const verify = createWebhookVerifier(webhooks.secrets)
  addPath(routes, '/', {
    POST: async (c) => {
      const { id, body } = await readSigned(gateway, verify, c)
      const responseId = finishedResponse(readEvent(body))
      if (responseId !== undefined && (await addWebhook(gateway, id, responseId))) {
        gateway.runtime.waitUntil(captureFromWebhook(gateway, responseId))
      }
      return c.json({ received: true })
    },
  })
  return routes
}

/** Reads a delivery and checks its signature. @throws CfileError `signature_invalid`, `payload_too_large` */
async function readSigned(
  gateway: Gateway,
  verify: ReturnType<typeof createWebhookVerifier>,
  c: RouteContext,
): Promise<{ readonly id: string; readonly body: Uint8Array }> {
  const id = c.req.header('webhook-id') ?? ''
  const timestamp = c.req.header('webhook-timestamp') ?? ''
  const signature = c.req.header('webhook-signature') ?? ''
  const { whole: body } = await readBounded(c.req.raw.body, mostBytes)
  if (body === undefined) {
    throw new CfileError('payload_too_large', `A webhook may have ${mostBytes} bytes at most.`)
  }
  // The specification limits neither the length nor the characters of an id.
  const isSigned = await verify({ id, timestamp, signature }, body, gateway.runtime.now())
  if (id !== '' && isSigned) return { id, body }
  throw new CfileError(
    'signature_invalid',
    'The webhook has no valid signature, or it is more than five minutes old.',
    {
      param: 'webhook-signature',
      hint: 'CFILE_WEBHOOK_SECRETS takes the secret that the endpoint was registered with.',
    },
  )
}

/** Parses the event of a delivery. @throws CfileError `invalid_request` */
function readEvent(body: Uint8Array): WebhookEvent {
  const { data } = z.safeParse(webhookEvent(), parseJson(body))
  if (data !== undefined) return data
  throw new CfileError('invalid_request', 'The webhook is not an event: {"type","data":{"id"}}.')
}

/** Returns the id of a response that has ended; `undefined` for all other events. */
function finishedResponse({ type, data }: WebhookEvent): string | undefined {
  if (type !== 'response.completed' && type !== 'response.incomplete') return undefined
  if (isId(data?.id)) return data.id
  throw new CfileError('invalid_id', 'The event names no response in data.id.', {
    param: 'data.id',
  })
}
