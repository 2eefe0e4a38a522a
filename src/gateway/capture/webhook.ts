/**
 * Webhooks: captures background responses when Azure reports that they have ended, even if no client reads them.
 *
 * Each event is stored as work before it is answered, and removed when the response was captured. Failures are tried
 * again with growing pauses for a day, by any instance. Deliveries are signed by the Standard Webhooks specification 1.0.0:
 * HMAC-SHA-256 of `id.timestamp.body`, with a secret written as `whsec_` and base64.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * @see https://platform.openai.com/docs/guides/webhooks
 * @module
 */

import * as z from 'zod/mini'
import { getMentions } from '../../core/api/citations/citations.ts'
import { fromBase64, shortHash } from '../../core/encoding.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import { concatBytes } from '../../core/http/body.ts'
import { once } from '../../core/once.ts'
import type { Json } from '../../stores/store.ts'
import { anyone, type Caller, type Gateway, type Webhooks } from '../gateway.ts'
import { withLease } from '../lease.ts'
import { callerOfKey, toCaller } from '../owners/access.ts'
import { findRecord, listEntries, listOwners } from '../owners/records.ts'
import { askInTurn, upstreamsNamed } from '../upstreams/location.ts'
import { capture, originOf } from './capture.ts'
import { recordUncited } from './uncited.ts'

// Redeliveries end within three days (Standard Webhooks specification).
const seenSeconds = 3 * 24 * 3600
// Containers expire within an hour, but citations still establish ownership after that.
const workSeconds = 24 * 3600
const firstRetrySeconds = 15
const slowestRetrySeconds = 1800
const mostOwners = 100
const prefix = 'webhook-work/'

const workSchema = once(() =>
  z.object({
    response_id: z.string(),
    noted_at: z.number(),
    tries: z.number(),
    next_at: z.number(),
  }),
)

/** A response that is not captured yet, as stored. */
type Work = z.infer<ReturnType<typeof workSchema>>

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
  // Hashed, because the length and characters of a key are limited.
  const seenKey = `webhook/${await shortHash(webhookId)}`
  if ((await store.get(seenKey)) !== undefined) return false
  // The work is written first: if the process ends between the two writes, Azure delivers the event again.
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
      if (await tryCapture(gateway, responseId, signal)) await store.delete(prefix + responseId)
      else await putWork(gateway, laterWork(work, now()))
    })
  } catch (error) {
    log('warn', 'A response that a webhook named could not be captured; cfile will try again.', {
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
    log('warn', 'The responses that webhooks named could not be listed; cfile will try again.', {
      cause: String(error),
    })
  }
}

/** Captures a response. @returns whether the work is done, which is also true for a deleted response and one without owner */
async function tryCapture(
  gateway: Gateway,
  responseId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { log, webhooks } = gateway
  const callers = await callersOf(gateway, responseId)
  const [first] = callers
  if (first === undefined) {
    const message =
      'A webhook names a response that nobody recorded; set CFILE_WEBHOOK_OWNER to keep it.'
    log('info', message, { response_id: responseId })
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
  if (keys.length > 0) return keys.map(callerOfKey)
  const owner = gateway.webhooks?.owner
  return owner === undefined ? [] : [await toCaller({ owner })]
}

/** Stores a response as work to do. */
async function putWork({ store }: Gateway, work: Work): Promise<void> {
  await store.put(prefix + work.response_id, work, { ttl: workSeconds })
}

/** Parses a stored piece of work; `undefined` for any other value. */
function readWork(value: Json | undefined): Work | undefined {
  const { data } = z.safeParse(workSchema(), value)
  return data
}

/** Schedules the next attempt with exponential backoff. */
function laterWork(work: Work, now: number): Work {
  const pause = Math.min(firstRetrySeconds * 2 ** work.tries, slowestRetrySeconds)
  return { ...work, tries: work.tries + 1, next_at: now + pause }
}

/** The three headers of a webhook. */
interface WebhookHeaders {
  /** `webhook-id`: the same for each delivery of one event. */
  readonly id: string
  /** `webhook-timestamp`: unix seconds of this delivery. */
  readonly timestamp: string
  /** `webhook-signature`: entries `v1,BASE64`, separated by blanks. */
  readonly signature: string
}

/** Allowed difference between a delivery's time and the local clock, in seconds. */
const tolerance = 300

const algorithm = { name: 'HMAC', hash: 'SHA-256' }
const encoder = new TextEncoder()

/**
 * Creates a verifier. It accepts any of several secrets, so that secrets can be rotated. The keys are imported at the
 * first delivery.
 *
 * @param secrets the decoded bytes after `whsec_`
 * @returns whether a signature fits a secret and the delivery is at most five minutes away from `now` (unix seconds)
 */
export function createWebhookVerifier(
  secrets: readonly Uint8Array<ArrayBuffer>[],
): (headers: WebhookHeaders, body: Uint8Array, now: number) => Promise<boolean> {
  let imported: Promise<CryptoKey[]> | undefined
  const importKeys = () =>
    Promise.all(
      secrets.map((secret) =>
        crypto.subtle.importKey('raw', secret, algorithm, false, ['sign', 'verify']),
      ),
    )
  return async ({ id, timestamp, signature }, body, now) => {
    if (!/^\d{1,12}$/.test(timestamp) || Math.abs(Number(timestamp) - now) > tolerance) return false
    imported ??= importKeys()
    const signed = signedBytes(id, timestamp, body)
    const signatures = signature.split(' ').flatMap((entry) => parseSignature(entry) ?? [])
    for (const key of await imported) {
      for (const bytes of signatures) {
        // WebCrypto compares in constant time.
        if (await crypto.subtle.verify('HMAC', key, bytes, signed)) return true
      }
    }
    return false
  }
}

/**
 * Parses a secret in the form that Azure displays: `whsec_` and the base64 of 24 to 64 bytes.
 *
 * @returns the bytes, or `undefined` for any other text
 */
export function parseWebhookSecret(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = text.startsWith('whsec_') ? decodeBase64(text.slice(6)) : undefined
  return bytes !== undefined && bytes.byteLength >= 24 && bytes.byteLength <= 64 ? bytes : undefined
}

/** The bytes that a signature covers: `id.timestamp.body`. */
function signedBytes(id: string, timestamp: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes([encoder.encode(`${id}.${timestamp}.`), body])
}

/** Other signature versions may occur and are ignored. */
function parseSignature(entry: string): Uint8Array<ArrayBuffer> | undefined {
  return entry.startsWith('v1,') ? decodeBase64(entry.slice(3)) : undefined
}

/** Decodes base64; `undefined` for any other text. */
function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  try {
    return fromBase64(text)
  } catch {
    return undefined
  }
}
