/**
 * Wraps a family of routes: CORS, request id, exchange, error answers, check of the caller or the link, and then the
 * routes of the family.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import type { Gateway } from '../../gateway/gateway.ts'
import { type Access, admit } from '../callers/access.ts'
import type { Authenticate } from '../callers/callers.ts'
import { methodNotAllowed, nothingServed, type RouteContext, type RouteEnv } from '../request.ts'
import { allowOrigins } from './cors.ts'
import { answerFailure } from './error-answer.ts'
import { hostRequest } from './host-request.ts'
import { type Observation, type Observer, observeFamily } from './observe.ts'

/** Routes below one base path, with the policies that apply to them. */
export interface Family {
  readonly base: string
  readonly routes: Hono<RouteEnv>
  readonly access: Access
  /** Whether `CFILE_CORS_ORIGINS` applies. @default false */
  readonly isCrossOrigin?: true
  /** Whether a GET can answer with file content, and people can follow links to it. @default false */
  readonly servesFiles?: boolean
  /** Header for cfile's own request id. @default 'x-request-id' */
  readonly idHeader?: string
}

/** Options of every family. */
interface FamilyOptions {
  /** Headers of every answer. */
  readonly headers?: Readonly<Record<string, string>>
  /** Absent without caller auth. */
  readonly authenticate?: Authenticate
  /** Origins whose pages may read the answers. @default none */
  readonly corsOrigins?: readonly string[]
  readonly observation: Observation
  /** Runs the work that is due between requests; absent if there is none. Never throws. */
  readonly upkeep?: () => Promise<void>
}

/**
 * Wraps one family of routes with CORS, request ids, error answers and access checks. Each family has its own wrapper,
 * so that other routes of a host app are not affected.
 *
 * @param base base path of the family
 */
export function openFamily(
  gateway: Gateway,
  { base, routes, access, servesFiles, isCrossOrigin, idHeader }: Family,
  { headers, authenticate, corsOrigins = [], observation, upkeep }: FamilyOptions,
): Hono<RouteEnv> {
  const family = new Hono<RouteEnv>()
  const [name = ''] = base
    .replace(/^\/api\/projects\/[^/]+/, '')
    .split('/')
    .filter(Boolean)
  if (isCrossOrigin && corsOrigins.length > 0) family.use(allowOrigins(corsOrigins))
  const observer = observeFamily(gateway, observation, name)
  const admitted = admit(gateway, { access, servesFiles, authenticate })
  const { wait } = gateway.runtime
  const { idleTimeoutMs } = gateway.bounds
  family.use(async (c, next) => {
    c.req.raw = hostRequest(c.req.raw, { wait, idleTimeoutMs })
    c.set('hasPages', servesFiles)
    await observer.run(c, async () => {
      try {
        await admitted(c, next)
      } catch (reason) {
        // Hono passes only Errors to onError, but the reason of a signal can be any value. On Node it is a string.
        c.res = await answerFailure(gateway.log, c, reason)
      }
    })
    if (upkeep !== undefined) gateway.runtime.waitUntil(upkeep())
    await finishHead(c, observer, headers, idHeader)
  })
  family.route('/', routes)
  if (access === 'open' && base !== '/webhooks') family.all('/', methodNotAllowed('GET, HEAD'))
  family.all('*', () => {
    throw nothingServed(gateway.links.publicUrl)
  })
  return family
}

/**
 * Adds the headers that every answer has.
 *
 * @param headers headers of every answer, from the options of the app
 * @param idHeader name of the header for the request id
 */
export async function finishHead(
  c: RouteContext,
  observer: Observer,
  headers: FamilyOptions['headers'] = {},
  idHeader = 'x-request-id',
): Promise<void> {
  // Not with c.header, which copies an existing answer.
  c.res.headers.set(idHeader, c.get('requestId'))
  for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value)
  await observer.observeHead(c)
}
