/**
 * Who may pass: whoever holds a signed link, or a caller who is known.
 *
 * @module
 */

import type { MiddlewareHandler } from 'hono'
import { CfileError } from '../core/errors.ts'
import { splitLink } from '../core/links/spelling.ts'
import { anyone, type Caller, type Gateway } from '../gateway/gateway.ts'
import type { Identity } from '../gateway/owners/caller.ts'
import { granteeOf, toCaller } from '../gateway/owners/caller.ts'
import type { Authenticate } from './callers.ts'
import { nothingServed, type RouteContext, type RouteEnv, wrongMethod } from './request.ts'

/** `open`: everybody; `caller`: who is known; `link`: whoever holds a signed link, whatever credentials come with it. */
export type Access = 'open' | 'caller' | 'link'

/** Options of {@link admit}. */
export interface AdmitOptions {
  readonly access: Access
  /** Whether every GET may carry the bytes of files. */
  readonly servesFiles?: boolean
  /** Absent: callers are not told apart. */
  readonly authenticate?: Authenticate
}

/**
 * Lets a request pass with its caller set, and with what its link grants.
 *
 * @throws (in the chain) CfileError `unauthorized`, `signature_invalid`, `link_expired`, `rate_limited`
 */
export function admit(
  gateway: Gateway,
  { access, servesFiles = false, authenticate }: AdmitOptions,
): MiddlewareHandler<RouteEnv> {
  return async (c, next) => {
    if (access === 'open') return next()
    c.set(
      'caller',
      await (access === 'link' ? granteeIn(gateway, c) : callerOf(gateway, c, authenticate)),
    )
    const { key } = c.get('caller')
    gateway.owners.limits.countRequest(key)
    const download = isDownload(c, servesFiles)
      ? gateway.owners.limits.openDownload?.(key)
      : undefined
    try {
      await next()
    } catch (reason) {
      download?.end()
      throw reason
    }
    if (download !== undefined) c.res = download.watch(c.res, c.req.raw.signal)
  }
}

/** Whether the answer may carry the bytes of files; that to a HEAD carries none. */
function isDownload({ req }: RouteContext, servesFiles: boolean): boolean {
  return req.method === 'GET' && (servesFiles || req.path.endsWith('/content'))
}

async function callerOf(
  { owners }: Gateway,
  c: RouteContext,
  authenticate?: Authenticate,
): Promise<Caller> {
  if (authenticate === undefined) return anyone
  const identity: Identity | null = await authenticate(c)
  // Lone surrogates all become the same character in UTF-8, and their owners would become one.
  const isOwner = identity !== null && !/\p{Surrogate}/u.test(identity.owner)
  if (isOwner) return toCaller(identity, owners.keys)
  throw new CfileError('unauthorized', 'The caller is not known here.', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** Verifies the link of a request, and gives the owner whose thing it grants. */
async function granteeIn(gateway: Gateway, c: RouteContext): Promise<Caller> {
  if (!/^(?:GET|HEAD)$/.test(c.req.method)) throw wrongMethod(c.req.method, 'GET, HEAD')
  const grant = await gateway.links.signer.verify(sentToken(gateway, c), gateway.runtime.now())
  c.set('grant', grant)
  return granteeOf(grant.owner ?? anyone.key)
}

/** The token as it was sent. The router would decode percent-escapes in it, and a token has one spelling only. */
function sentToken({ links: { publicUrl } }: Gateway, { req }: RouteContext): string {
  const link = splitLink(req.url)
  if (link === undefined) throw nothingServed(publicUrl)
  return link.token
}
