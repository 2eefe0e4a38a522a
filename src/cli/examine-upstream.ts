/**
 * Checks one upstream for `cfile doctor`: signs in and sends requests as a server does.
 *
 * @module
 */

import type { AzureClient } from '../azure/client.ts'
import type { Authorization } from '../azure/credentials.ts'
import { type Endpoint, isDated, parseEndpoint } from '../azure/endpoint.ts'
import type { AzureRequest } from '../azure/request.ts'
import { type CfileError, isCfileError } from '../core/errors.ts'
import { createAzureClient } from '../library/azure-client.ts'
import type { UpstreamOptions } from '../options.ts'
import type { Runtime } from '../runtime.ts'

/** One line of the report. */
export interface Finding {
  /** `note`: information, not a failure. */
  readonly state: 'ok' | 'failed' | 'note'
  readonly what: string
  readonly found: string
  /** How to mend a failure. */
  readonly cure?: string
}

/**
 * Checks an upstream. Stops if the sign-in fails.
 *
 * @param runtime network, clock and timers
 */
export async function examine(
  { endpoint: given, credential, fetch }: UpstreamOptions,
  runtime: Runtime,
): Promise<Finding[]> {
  const { now } = runtime
  const endpoint = typeof given === 'string' ? parseEndpoint(given) : given
  const clocks = compareClocks(fetch ?? runtime.fetch, now)
  const own = { ...runtime, fetch: clocks.fetch, credential, ...limits }
  const signed = await credential.authorize(endpoint.scope, own).catch(failureOf)
  if (isCfileError(signed)) return [failed('credential', signed)]
  const client = createAzureClient({ ...own, endpoint })
  const tried = [...(await tryPath(client)), ...(await tryAgent(client))]
  const isWell = tried.every(({ state }) => state === 'ok')
  const others = await tryOthers(isWell, endpoint, (other) =>
    createAzureClient({ ...own, ...other }),
  )
  return [
    { state: 'ok', what: 'credential', found: credential.kind },
    ...tokenFindings(signed, endpoint, now()),
    ...tried,
    ...others,
    ...clockFindings(clocks.secondsAhead()),
  ]
}

// Lower than those of a server, since a person waits.
const limits = { timeoutMs: 15_000, retry: { attempts: 2 } }

function tokenFindings(
  { name, value }: Authorization,
  { scope }: Endpoint,
  now: number,
): Finding[] {
  if (name !== 'authorization') return []
  const { found, isOver } = describeToken(value.replace('Bearer ', ''), now)
  if (!isOver) return [{ state: 'ok', what: 'token', found: `${found}; asked for ${scope}` }]
  return [{ state: 'failed', what: 'token', found, cure: "Set this machine's clock right." }]
}

const list: AzureRequest = { method: 'GET', path: '/containers', query: 'limit=1' }
const absentContainer = `cntr_${'0'.repeat(48)}`

/** Tries the path that follows from the settings. */
async function tryPath(client: AzureClient): Promise<Finding[]> {
  const { base } = client.endpoint
  const what = formOf(client.endpoint)
  const role: Finding = { state: 'ok', what: 'role', found: 'may read containers' }
  if (await lists(client, list)) return [{ state: 'ok', what, found: `${base} answers` }, role]
  // Some resources refuse to list. Then a request for a container that does not exist shows the cause.
  const error = await client.getContainer(absentContainer).then(() => undefined, failureOf)
  if (error === undefined || error.code === 'container_not_found') {
    return [{ state: 'ok', what, found: `${base} answers, though it lists no containers` }, role]
  }
  const lacksRole = /lacks a role/.test(error.message)
  return [failed(lacksRole ? 'role' : what, error)]
}

const absentResponse = `resp_${'0'.repeat(48)}`

/** Asks a hosted agent for a response that does not exist. */
async function tryAgent(client: AzureClient): Promise<Finding[]> {
  const { agent } = client.endpoint
  if (agent === undefined) return []
  const what = 'hosted agent'
  const error = await client.getResponse(absentResponse).then(() => undefined, failureOf)
  const isThere = error === undefined || error.code === 'not_found'
  return [isThere ? { state: 'ok', what, found: `${agent} answers` } : failed(what, error)]
}

function formOf({ kind, apiVersion }: Endpoint): string {
  if (apiVersion !== undefined && isDated(apiVersion)) return 'dated path'
  return kind === 'project' ? 'project path' : 'v1 path'
}

/** Tries the other forms of the URL, in case the settings have the wrong one. */
async function tryOthers(
  isWell: boolean,
  endpoint: Endpoint,
  open: (other: { endpoint: Endpoint }) => AzureClient,
): Promise<Finding[]> {
  const forms = otherForms(endpoint).filter((other) => formOf(other.endpoint) !== formOf(endpoint))
  const findings = forms.map(async ({ cure, ...other }): Promise<Finding> => {
    const what = formOf(other.endpoint)
    if (await lists(open(other), list)) {
      return { state: 'note', what, found: 'answers', cure: isWell ? undefined : cure }
    }
    return { state: 'note', what, found: `does not answer${isWell ? '; not needed' : ' either'}` }
  })
  return Promise.all(findings)
}

function otherForms(endpoint: Endpoint): { endpoint: Endpoint; cure: string }[] {
  const { root, origin, kind } = endpoint
  const apiVersion = '2025-04-01-preview'
  const forms = [
    {
      endpoint: { ...endpoint, base: `${root}/v1`, apiVersion: undefined },
      cure: 'Unset AZURE_OPENAI_API_VERSION.',
    },
    {
      endpoint: { ...endpoint, base: root, apiVersion },
      cure: `Try AZURE_OPENAI_API_VERSION=${apiVersion}.`,
    },
  ]
  if (kind === 'resource') return forms
  // The host has been checked already.
  const resource = parseEndpoint(origin, { allowedHosts: [new URL(origin).host] })
  const cure = `For what the resource itself makes, set AZURE_OPENAI_ENDPOINT=${origin}.`
  return [...forms, { endpoint: resource, cure }]
}

async function lists(client: AzureClient, request: AzureRequest): Promise<boolean> {
  const answer = await client.request(request).catch(failureOf)
  if (isCfileError(answer)) return false
  const body = await answer.json().catch(() => undefined)
  return answer.ok && Array.isArray(body?.data)
}

/** Wraps a `fetch` that compares the clock of this machine with the `Date` of each answer. */
function compareClocks(fetch: Runtime['fetch'], now: () => number) {
  let secondsAhead: number | undefined
  const comparing: Runtime['fetch'] = async (input, init) => {
    const answer = await fetch(input, init)
    const upstreamTime = Date.parse(answer.headers.get('date') ?? '') / 1000
    if (Number.isFinite(upstreamTime)) secondsAhead = Math.round(now() - upstreamTime)
    return answer
  }
  return { fetch: comparing, secondsAhead: () => secondsAhead }
}

function clockFindings(secondsAhead: number | undefined): Finding[] {
  if (secondsAhead === undefined) return []
  const distance = Math.abs(secondsAhead)
  const found = `${distance} s ${secondsAhead < 0 ? 'behind' : 'ahead of'} the upstream's`
  const cure = "Set this machine's clock right: tokens and links end by it."
  return [
    distance > 120
      ? { state: 'failed', what: 'clock', found, cure }
      : { state: 'ok', what: 'clock', found },
  ]
}

/**
 * Describes a failure.
 *
 * @param what the part that was checked, such as `role`
 */
export function failed(what: string, { message, details }: CfileError): Finding {
  const { status, code, request_id } = details.upstream ?? {}
  const facts = [status, code, request_id].filter((fact) => fact && !message.includes(String(fact)))
  const found = facts.length === 0 ? message : `${message} (${facts.join(', ')})`
  return { state: 'failed', what, found, cure: details.hint }
}

function failureOf(error: unknown): CfileError {
  if (isCfileError(error)) return error
  throw error
}

/** Describes an access token by its audience, tenant, app and expiry. */
function describeToken(token: string, now: number): { found: string; isOver: boolean } {
  const { aud, tid, appid, azp, exp } = readClaims(token)
  if (typeof aud !== 'string')
    return { found: 'opaque: its claims are not readable', isOver: false }
  const minutes = Math.floor((Number(exp) - now) / 60)
  const parts = [
    `audience ${aud}`,
    ...(tid === undefined ? [] : [`tenant ${tid}`]),
    ...((appid ?? azp) === undefined ? [] : [`app ${appid ?? azp}`]),
    ...(Number.isNaN(minutes) ? [] : [minutes < 0 ? 'has expired' : `expires in ${minutes} min`]),
  ]
  return { found: parts.join(', '), isOver: minutes < 0 }
}

function readClaims(token: string): Record<string, unknown> {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
    return Object(JSON.parse(payload))
  } catch {
    return {}
  }
}
