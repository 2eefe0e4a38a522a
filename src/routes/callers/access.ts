/**
 * Checks access: a request needs a signed link or a known caller.
 *
 * @module
 */

import type { MiddlewareHandler } from 'hono'
import { CfileError } from '../../core/errors.ts'
import { splitLink } from '../../core/links/spelling.ts'
import { anyone, type Caller, type Gateway } from '../../gateway/gateway.ts'
import { callerOfKey, type Identity, toCaller } from '../../gateway/owners/access.ts'
import { nothingServed, type RouteContext, type RouteEnv, wrongMethod } from '../request.ts'
import type { Authenticate } from './callers.ts'

/** What a request needs. `open`: nothing; `caller`: a known caller; `link`: a valid signed link and no other credential. */
export type Access = 'open' | 'caller' | 'link'

/** Options of {@link admit}. */
interface AdmitOptions {
  readonly access: Access
  /** Whether every GET may be a download. */
  readonly servesFiles?: boolean
  /** Absent without caller auth: all requests have the same owner. */
  readonly authenticate?: Authenticate
}

/**
 * Creates the middleware that checks access. It sets the caller and the grant of a signed link for the routes.
 *
 * @param access what a request needs
 * @param servesFiles whether the download limits count every GET of the family
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

/** Whether the answer may contain bytes of files. An answer to HEAD contains none. */
function isDownload({ req }: RouteContext, servesFiles: boolean): boolean {
  return req.method === 'GET' && (servesFiles || req.path.endsWith('/content'))
}

/**
 * Identifies the caller of a request. Without caller auth everybody is {@link anyone}.
 *
 * @throws CfileError `unauthorized`, and what the check throws
 */
async function callerOf(
  { owners }: Gateway,
  c: RouteContext,
  authenticate?: Authenticate,
): Promise<Caller> {
  if (authenticate === undefined) return anyone
  const identity: Identity | null = await authenticate(c)
  // In UTF-8 all lone surrogates become the same character, so different owners would become one.
  const hasOwner = identity !== null && !/\p{Surrogate}/u.test(identity.owner)
  if (hasOwner) return toCaller(identity, owners.keys)
  throw new CfileError('unauthorized', 'The caller is not known here.', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** Verifies the signed link of a request. Returns its owner as the caller. */
async function granteeIn(gateway: Gateway, c: RouteContext): Promise<Caller> {
  if (!/^(?:GET|HEAD)$/.test(c.req.method)) throw wrongMethod(c.req.method, 'GET, HEAD')
  const grant = await gateway.links.signer.verify(sentToken(gateway, c), gateway.runtime.now())
  c.set('grant', grant)
  return callerOfKey(grant.owner ?? anyone.key)
}

/** Returns the token as it was sent, since the router decodes percent-escapes and a token has only one spelling. */
function sentToken({ links: { publicUrl } }: Gateway, { req }: RouteContext): string {
  const link = splitLink(req.url)
  if (link === undefined) throw nothingServed(publicUrl)
  return link.token
}
