/**
 * Heals conversations whose container has expired: a request that Azure refuses for that reason is sent once more with
 * a new container that holds the archived files (`CFILE_HEAL`).
 *
 * The container of a tool is the one that it names, or else the recorded one of the previous turn, or else the one that
 * the refusal names. Later requests with the old id are sent with the new container from the start.
 *
 * @module
 */

import { readToolContainers, setToolContainers } from '../../core/api/names/tool-containers.ts'
import { decodeUtf8, readBounded } from '../../core/http/body.ts'
import { isContainerId } from '../../core/ids.ts'
import { isObject, parseText } from '../../core/json/value.ts'
import { previousTurn, recordedContainer } from '../capture/capture.ts'
import { findReplacement, isRunning, replaceContainer } from '../containers/replacement.ts'
import type { Caller, Gateway, Upstream } from '../gateway.ts'
import { findRecord } from '../owners/records.ts'
import type { ProxyRequest } from './request.ts'
import type { Answered } from './route.ts'

/** An answer, and the container that was replaced to get it. */
interface Healed {
  readonly answered: Answered
  /** The request that got this answer. */
  readonly parsed: ProxyRequest
  /** `OLD_ID=NEW_ID` for the header `x-cfile-healed`; absent when nothing was replaced. */
  readonly healed?: string
}

/**
 * Sends a request, and a second time with a new container when the first answer says that the container has expired.
 *
 * @param send sends the request along its route
 * @returns the answer for the client, and the request that got it
 */
export async function sendHealed(
  gateway: Gateway,
  caller: Caller,
  parsed: ProxyRequest,
  send: (parsed: ProxyRequest) => Promise<Answered>,
): Promise<Healed> {
  const healing = await prepareHealing(gateway, caller, parsed)
  const { current } = healing
  const { answer, ...rest } = await send(current)
  const refusal = await readRefusal(answer)
  const answered = { ...rest, answer: refusal.answer }
  const refused = { text: refusal.text, upstream: rest.upstream }
  const second = await heal(gateway, caller, healing, refused)
  if (second === undefined) return { answered, parsed: current }
  rest.inFlight.end()
  await answered.answer.body?.cancel()
  return { answered: await send(second.parsed), ...second }
}

/** A request that can be sent once more with a new container. */
export interface Healing {
  /** The request as the client sent it. */
  readonly parsed: ProxyRequest
  /** The request to send first. When its container was replaced before, it names the replacement. */
  readonly current: ProxyRequest
  /** Containers of its tools. Absent: the request is never healed. */
  readonly uses?: readonly Use[]
}

/** A container that tools of a request use. */
interface Use {
  /** The id in the tools; absent if it is that of the previous turn. */
  readonly named?: string
  readonly id: string
  /** Its replacement. */
  readonly known?: string
}

/**
 * Finds the containers that a request uses. Without `CFILE_HEAL`, and for requests without a code interpreter tool, there
 * is nothing to heal.
 *
 * @param parsed the request as the client sent it
 */
export async function prepareHealing(
  gateway: Gateway,
  caller: Caller,
  parsed: ProxyRequest,
): Promise<Healing> {
  const json = gateway.containers.heal ? jsonOf(parsed) : undefined
  const tools = json === undefined ? [] : readToolContainers(json)
  if (tools.length === 0) return { parsed, current: parsed }
  const uses = await findUses(gateway, caller, parsed, new Set(tools))
  return { parsed, current: withContainers(parsed, uses), uses }
}

/** An answer that may say that a container has expired. */
interface Refusal {
  /** Its body; empty for an answer that is no refusal. */
  readonly text: string
  /** The upstream that gave it. */
  readonly upstream: Upstream
}

/**
 * Replaces the container of a request when the answer says that it has expired.
 *
 * @returns the request to send once more, and `OLD_ID=NEW_ID`; `undefined` when the client gets the refusal
 * @throws the reason of the request's signal when the client leaves
 */
export async function heal(
  gateway: Gateway,
  caller: Caller,
  { parsed, uses }: Healing,
  { text, upstream }: Refusal,
): Promise<{ readonly parsed: ProxyRequest; readonly healed: string } | undefined> {
  const message = messageOf(text)
  if (uses === undefined || !gonePattern.test(message)) return undefined
  const { signal } = parsed.request
  const inMessage = containerIn(message)
  const use = await findGoneUse(uses, inMessage, upstream, signal)
  const expiredId = use?.known ?? use?.id ?? inMessage
  const newId = expiredId && (await replace(gateway, caller, { id: expiredId, upstream }, signal))
  if (!newId) return undefined
  const others = uses.filter((other) => other !== use)
  // Without a tool that uses the container it is part of the history, and all tools get the new one.
  const healed = use === undefined ? uses : [...others, { ...use, known: newId }]
  const fallback = use === undefined ? newId : undefined
  return {
    parsed: withContainers(parsed, healed, fallback),
    healed: `${use?.id ?? expiredId}=${newId}`,
  }
}

/** The JSON of a request that creates a response; `undefined` when its body cannot be changed. */
function jsonOf({ request, operation, sent }: ProxyRequest): string | undefined {
  const { method, path } = request
  const isCreate = method === 'POST' && /^\/(?:deployments\/[^/]+\/)?responses\/?$/.test(path)
  if (!isCreate || !operation.generates || !(sent.bytes instanceof Uint8Array)) return undefined
  return decodeUtf8(sent.bytes)
}

/**
 * Finds the containers of tools, with their replacements.
 *
 * @param tools ids of containers in the tools; `undefined` for a tool with an automatic container
 */
async function findUses(
  gateway: Gateway,
  caller: Caller,
  { named: { body } }: ProxyRequest,
  tools: ReadonlySet<string | undefined>,
): Promise<readonly Use[]> {
  const uses = [...tools].map(async (named): Promise<Use[]> => {
    const id = named ?? (await recordedContainer(gateway, { caller }, previousTurn(body)))
    if (id === undefined) return []
    return [{ named, id, known: await findReplacement(gateway, caller, id) }]
  })
  return (await Promise.all(uses)).flat()
}

/** Finds which of several containers a refusal is about: the one that it names, or else the one that does not run. */
async function findGoneUse(
  uses: readonly Use[],
  inMessage: string | undefined,
  upstream: Upstream,
  signal: AbortSignal,
): Promise<Use | undefined> {
  if (inMessage !== undefined) {
    return uses.find(({ id, known }) => id === inMessage || known === inMessage)
  }
  if (uses.length <= 1) return uses[0]
  for (const use of uses) {
    if (!(await isRunning({ id: use.known ?? use.id, upstream }, signal))) return use
  }
  return undefined
}

/**
 * The request with the replacements in its tools.
 *
 * @param fallback the container for tools whose container has no replacement; absent: they stay as they are
 */
function withContainers(
  parsed: ProxyRequest,
  uses: readonly Use[],
  fallback?: string,
): ProxyRequest {
  const isChanged = fallback !== undefined || uses.some(({ known }) => known !== undefined)
  const json = isChanged ? jsonOf(parsed) : undefined
  if (json === undefined) return parsed
  const choose = (named?: string) => uses.find((use) => use.named === named)?.known ?? fallback
  const bytes = new TextEncoder().encode(setToolContainers(json, choose))
  return { ...parsed, sent: { ...parsed.sent, bytes } }
}

const mostRefusalBytes = 64 * 1024
// Anchored at the start of the message, because other refusals quote text of the caller.
const gonePattern =
  /^(?:400 )?(?:container (?:is|has) expired|expected container_id|container with id '[^']*' not found)/i

/** The message of an error in OpenAI's envelope; empty for any other text. */
function messageOf(refusal: string): string {
  const body = parseText(refusal)
  const error = isObject(body) ? body.error : undefined
  return isObject(error) && typeof error.message === 'string' ? error.message : ''
}

/** Reads the text of an answer with status 400 or 404, and returns an equal unread answer. Other answers have no text. */
async function readRefusal(
  answer: Response,
): Promise<{ readonly answer: Response; readonly text: string }> {
  const mayBe = answer.status === 400 || answer.status === 404
  if (!mayBe || answer.body === null) return { answer, text: '' }
  const { status, statusText, headers } = answer
  const read = await readBounded(answer.body, mostRefusalBytes)
  const body = read.whole ?? read.stream
  return {
    answer: new Response(body, { status, statusText, headers }),
    text: read.whole === undefined ? '' : (decodeUtf8(read.whole) ?? ''),
  }
}

/** The container id in the message of a refusal. */
function containerIn(message: string): string | undefined {
  const [, named] = /(?:with id '|container_id: ?)([\w-]+)/i.exec(message) ?? []
  return isContainerId(named) ? named : undefined
}

/**
 * Replaces a container and returns the new id; `undefined` when that fails, with a line in the log.
 *
 * @param expired the expired container, and the upstream that had it
 */
async function replace(
  gateway: Gateway,
  caller: Caller,
  expired: { readonly id: string; readonly upstream: Upstream },
  signal: AbortSignal,
): Promise<string | undefined> {
  const { log } = gateway
  const { metrics } = gateway.observed
  const { knowsCallers } = gateway.owners
  const { id } = expired
  const record = await findRecord(gateway, caller, 'container', id)
  if (record === undefined && knowsCallers) return undefined
  try {
    const { containerId, isNew } = await replaceContainer(gateway, caller, expired, signal)
    if (isNew) {
      metrics.add('cfile_healed_total', 1)
      const fields = { container_id: id, replaced_by: containerId }
      log('info', 'An expired container was replaced.', fields)
    }
    return containerId
  } catch (error) {
    signal.throwIfAborted()
    log('warn', 'An expired container could not be replaced.', {
      container_id: id,
      cause: error instanceof Error ? error.message : String(error),
    })
    return undefined
  }
}
