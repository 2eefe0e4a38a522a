/**
 * Captures responses that a webhook names: answers that were made in the background, and that nobody may ever ask for.
 *
 * @module
 */

import * as z from 'zod/mini'
import { getMentions } from '../../core/api/citations.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import { parseWebhookSecret } from '../../core/http/webhook-signature.ts'
import type { Json } from '../../stores/store.ts'
import { withLease } from '../archive/lease.ts'
import { anyone, type Caller, type Gateway, type Webhooks } from '../gateway.ts'
import { granteeOf, toCaller } from '../owners/caller.ts'
import { findRecord, listOwners } from '../owners/records.ts'
import { askInTurn } from '../upstreams/ask.ts'
import { upstreamsNamed } from '../upstreams/location.ts'
import { capture } from './capture.ts'
import { sweepAfter } from './uncited.ts'

// The specification's schedule of redeliveries ends within three days.
const seenSeconds = 3 * 24 * 3600
// The container of an answer is gone after an hour at most, but its citations still tell who owns what.
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

/** A response that is still to be captured. */
type Work = z.infer<typeof workSchema>

/**
 * Makes what the gateway needs to take webhooks.
 *
 * @param secrets as Azure showed them: `whsec_…`
 * @throws CfileError `invalid_request` that names `CFILE_WEBHOOK_SECRETS` and no secret
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
 * Notes the response that a webhook names, so that it is captured even if this process ends now.
 *
 * @param webhookId the same for each delivery of one event
 * @returns whether there is work to do: not where this event was delivered before
 */
export async function noteWebhook(
  gateway: Gateway,
  webhookId: string,
  responseId: string,
): Promise<boolean> {
  const { store } = gateway
  const { now } = gateway.runtime
  const seenKey = `webhook/${webhookId}`
  if ((await store.get(seenKey)) !== undefined) return false
  // The work is written first: a process that dies between the two writes is delivered the event again.
  const noted_at = now()
  await putWork(gateway, { response_id: responseId, noted_at, tries: 0, next_at: noted_at })
  return store.put(seenKey, noted_at, { ifAbsent: true, ttl: seenSeconds })
}

/** Captures a noted response now, unless another instance does; what fails is tried again later. Never throws. */
export async function captureNoted(gateway: Gateway, responseId: string): Promise<void> {
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

/** Captures what is due of the noted responses, those of ended processes included. Never throws. */
export async function resumeWebhooks(gateway: Gateway): Promise<void> {
  const { webhooks, store, log } = gateway
  const { now } = gateway.runtime
  if (webhooks === undefined || now() < webhooks.state.dueAt) return
  webhooks.state.dueAt = now() + firstRetrySeconds
  try {
    for (let after = prefix; ; ) {
      const page = await store.list(prefix, { after, limit: 100 })
      for (const { value } of page) {
        const work = readWork(value)
        if (work !== undefined && work.next_at <= now())
          await captureNoted(gateway, work.response_id)
      }
      after = page.at(-1)?.key ?? ''
      if (page.length < 100) return
    }
  } catch (error) {
    log('warn', 'The responses that webhooks named could not be listed; that is tried again.', {
      cause: String(error),
    })
  }
}

/** Resolves to whether the work is done; a response that is gone or that nobody owns counts as done. */
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
    const withItems = gateway.owners.knowsCallers || gateway.upstreams.length > 1
    for (const caller of callers) {
      const source = { caller, upstream: upstream.name, withItems }
      await capture(gateway, source, mentions)
      sweepAfter(gateway, source, found)
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

/** Those who made the response; where nobody recorded it, the owner that the settings name. */
async function callersOf(gateway: Gateway, responseId: string): Promise<readonly Caller[]> {
  if (!gateway.owners.knowsCallers) return [anyone]
  const keys = await listOwners(gateway, 'response', responseId, mostOwners)
  if (keys.length > 0) return keys.map(granteeOf)
  const owner = gateway.webhooks?.owner
  return owner === undefined ? [] : [await toCaller({ owner })]
}

async function putWork({ store }: Gateway, work: Work): Promise<void> {
  await store.put(prefix + work.response_id, work, { ttl: workSeconds })
}

function readWork(value: Json | undefined): Work | undefined {
  const { data } = z.safeParse(workSchema, value)
  return data
}

function laterWork(work: Work, now: number): Work {
  const pause = Math.min(firstRetrySeconds * 2 ** work.tries, slowestRetrySeconds)
  return { ...work, tries: work.tries + 1, next_at: now + pause }
}
