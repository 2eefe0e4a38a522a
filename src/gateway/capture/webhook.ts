/**
 * Webhooks: captures background responses when Azure reports that they have ended, even if no client reads them.
 *
 * Each event is stored as work before it is answered, and removed when the response was captured. Failures are tried
 * again with growing pauses for a day, by any instance.
 *
 * @see https://platform.openai.com/docs/guides/webhooks
 * @module
 */

import * as z from 'zod/mini'
import { getMentions } from '../../core/api/citations/citations.ts'
import { shortHash } from '../../core/encoding.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import type { Json } from '../../stores/store.ts'
import { anyone, type Caller, type Gateway, type Webhooks } from '../gateway.ts'
import { withLease } from '../lease.ts'
import { granteeOf, toCaller } from '../owners/access.ts'
import { findRecord, listEntries, listOwners } from '../owners/records.ts'
import { askInTurn, upstreamsNamed } from '../upstreams/location.ts'
import { capture, originOf } from './capture.ts'
import { recordUncited } from './uncited.ts'
import { parseWebhookSecret } from './webhook-signature.ts'

// Redeliveries end within three days (Standard Webhooks specification).
const seenSeconds = 3 * 24 * 3600
// Containers expire within an hour, but citations still establish ownership after that.
const workSeconds = 24 * 3600
const firstRetrySeconds = 15
const slowestRetrySeconds = 1800
const mostOwners = 100
const prefix = 'webhook-work/'

const workSchema = z.object({
  response_id: z.string(),
  noted_at: z.number(),
  tries: z.number(),
  next_at: z.number(),
})

/** A response that has yet to be captured, as the store keeps it. */
type Work = z.infer<typeof workSchema>

/**
 * Parses the settings of webhooks.
 *
 * @param secrets `whsec_…`, as Azure shows them
 * @throws CfileError `invalid_request`, whose message names `CFILE_WEBHOOK_SECRETS` and no secret
 */
export function openWebhooks({
  secrets,
  owner,
}: {
  readonly secrets: readonly string[]
  readonly owner?: string
}): Webhooks {
  const parsed = secrets.map((text, index) => {
    const secret = parseWebhookSecret(text)
    if (secret !== undefined) return secret
    throw new CfileError(
      'invalid_request',
      `CFILE_WEBHOOK_SECRETS got a value (masked) whose entry ${index + 1} is not whsec_ and the base64 of 24 to 64 bytes; it takes whsec_… with commas between several.`,
      { param: 'CFILE_WEBHOOK_SECRETS' },
    )
  })
  return { secrets: parsed, owner, state: { dueAt: 0 } }
}

/**
 * Stores the response that a webhook names as work to do, so that it is captured even if this process ends.
 *
 * @param webhookId header `webhook-id`, the same for each delivery of one event
 * @returns false when the event was delivered before
 */
export async function addWebhook(
  gateway: Gateway,
  webhookId: string,
  responseId: string,
): Promise<boolean> {
  const { store } = gateway
  const { now } = gateway.runtime
  // An id may have any length and characters, a key of a store may not.
  const seenKey = `webhook/${await shortHash(webhookId)}`
  if ((await store.get(seenKey)) !== undefined) return false
  // The work is written first: if the process dies between the two writes, Azure delivers the event again.
  const noted_at = now()
  await putWork(gateway, { response_id: responseId, noted_at, tries: 0, next_at: noted_at })
  return store.put(seenKey, noted_at, { ifAbsent: true, ttl: seenSeconds })
}

/**
 * Captures a stored response, unless another instance does so. Failures are tried again later. Never throws.
 *
 * @param responseId the response of a stored piece of work; without such work nothing is done
 */
export async function captureFromWebhook(gateway: Gateway, responseId: string): Promise<void> {
  const { store, log } = gateway
  const { now } = gateway.runtime
  try {
    await withLease(gateway, `lease/webhook/${responseId}`, async (signal) => {
      const work = readWork(await store.get(prefix + responseId))
      if (work === undefined || work.next_at > now()) return
      if (await isCaptured(gateway, responseId, signal)) await store.delete(prefix + responseId)
      else await putWork(gateway, laterWork(work, now()))
    })
  } catch (error) {
    log('warn', 'A response that a webhook named could not be captured; that is tried again.', {
      cause: String(error),
    })
  }
}

/** Captures the stored responses that are due, including those of ended processes. Never throws. */
export async function resumeWebhooks(gateway: Gateway): Promise<void> {
  const { webhooks, log } = gateway
  const { now } = gateway.runtime
  if (webhooks === undefined || now() < webhooks.state.dueAt) return
  webhooks.state.dueAt = now() + firstRetrySeconds
  try {
    for await (const { value } of listEntries(gateway, prefix)) {
      const work = readWork(value)
      if (work !== undefined && work.next_at <= now()) {
        await captureFromWebhook(gateway, work.response_id)
      }
    }
  } catch (error) {
    log('warn', 'The responses that webhooks named could not be listed; that is tried again.', {
      cause: String(error),
    })
  }
}

/** Captures a response. @returns whether the work is done; also true for a response that is gone or has no owner */
async function isCaptured(
  gateway: Gateway,
  responseId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { log, webhooks } = gateway
  const callers = await callersOf(gateway, responseId)
  const [first] = callers
  if (first === undefined) {
    log(
      'info',
      'A webhook names a response that nobody recorded; set CFILE_WEBHOOK_OWNER to keep it.',
      {
        response_id: responseId,
      },
    )
    return true
  }
  const record = await findRecord(gateway, first, 'response', responseId)
  try {
    const { upstream, found } = await askInTurn(
      upstreamsNamed(gateway, record?.upstream),
      (client) => client.getResponse(responseId, { signal }),
    )
    const mentions = { ...getMentions(found), responses: [responseId] }
    for (const caller of callers) {
      const origin = originOf(gateway, caller, upstream.name)
      await capture(gateway, origin, mentions)
      recordUncited(gateway, origin, found)
    }
    return true
  } catch (error) {
    if (isCfileError(error) && error.status === 404) {
      log('warn', 'A webhook names a response that no upstream has.', { response_id: responseId })
      return true
    }
    log('warn', 'A response that a webhook named could not be read.', {
      response_id: responseId,
      owner: webhooks?.owner,
      cause: String(error),
    })
    return false
  }
}

/** Returns the owners of a response; without a record, the owner from the settings. */
async function callersOf(gateway: Gateway, responseId: string): Promise<readonly Caller[]> {
  if (!gateway.owners.knowsCallers) return [anyone]
  const keys = await listOwners(gateway, 'response', responseId, mostOwners)
  if (keys.length > 0) return keys.map(granteeOf)
  const owner = gateway.webhooks?.owner
  return owner === undefined ? [] : [await toCaller({ owner })]
}

/** Stores a response as work to do. */
async function putWork({ store }: Gateway, work: Work): Promise<void> {
  await store.put(prefix + work.response_id, work, { ttl: workSeconds })
}

/** Parses a stored piece of work; `undefined` for any other value. */
function readWork(value: Json | undefined): Work | undefined {
  const { data } = z.safeParse(workSchema, value)
  return data
}

/** Schedules the next attempt with exponential backoff. */
function laterWork(work: Work, now: number): Work {
  const pause = Math.min(firstRetrySeconds * 2 ** work.tries, slowestRetrySeconds)
  return { ...work, tries: work.tries + 1, next_at: now + pause }
}
