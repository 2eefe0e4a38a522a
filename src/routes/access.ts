/**
 * Who may pass: a signed link, or a caller who is known.
 *
 * @module
 */

import type { MiddlewareHandler } from 'hono'
import { basePath } from 'hono/route'
import type { Identity } from '../core/api-keys.ts'
import { CfileError } from '../core/errors.ts'
import { isSigned } from '../core/link-spelling.ts'
import { granteeOf, toCaller } from '../gateway/caller.ts'
import { anyone, type Caller, type Gateway } from '../gateway/gateway.ts'
import type { Authenticate } from './authenticate.ts'
import type { RouteContext, RouteEnv } from './context.ts'

/** `open`: everybody; `caller`: who is known; `link`: a caller, or whoever holds a signed link. */
export type Access = 'open' | 'caller' | 'link'

/** Options of {@link admit}. */
export interface AdmitOptions {
  readonly access: Access
  /** Absent: callers are not told apart. */
  readonly authenticate?: Authenticate
}

/**
 * Lets a request pass with its caller and its grant set.
 *
 * @throws (in the chain) CfileError `unauthorized`, `signature_invalid`, `link_expired`, `rate_limited`
 */
export function admit(
  gateway: Gateway,
  { access, authenticate }: AdmitOptions,
): MiddlewareHandler<RouteEnv> {
  return async (c, next) => {
    const target = access === 'link' ? linkTarget(c) : ''
    if (isSigned(target.split('?').slice(1).join('?'))) {
      const grant = await gateway.signer.verify(target, gateway.now())
      if (!/^(?:GET|HEAD)$/.test(c.req.method)) throw onlyForReading()
      c.set('grant', grant)
      c.set('caller', granteeOf(grant.owner ?? anyone.key))
    } else if (access !== 'open') {
      c.set('caller', await callerOf(c, authenticate))
    }
    if (access === 'open') return next()
    const { key } = c.get('caller')
    gateway.limits.countRequest(key)
    const download = isDownload(c, access) ? gateway.limits.openDownload?.(key) : undefined
    try {
      await next()
    } catch (reason) {
      download?.end()
      throw reason
    }
    if (download !== undefined) c.res = download.watch(c.res, c.req.raw.signal)
  }
}

/** What may carry the bytes of files; a HEAD carries none. */
function isDownload({ req }: RouteContext, access: Access): boolean {
  return req.method === 'GET' && (access === 'link' || req.path.endsWith('/content'))
}

async function callerOf(c: RouteContext, authenticate?: Authenticate): Promise<Caller> {
  if (authenticate === undefined) return anyone
  const identity: Identity | null = await authenticate(c)
  // Lone surrogates all become the same character in UTF-8, and their owners would become one.
  const isOwner = identity !== null && !/\p{Surrogate}/u.test(identity.owner)
  if (isOwner) return toCaller(identity)
  throw new CfileError('unauthorized', 'The caller is not known here.', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** A door's own request, where the door has one: a URL that was parsed is not what was sent. */
interface RawBindings {
  readonly incoming?: { readonly url?: string }
}

/** The path and query as they were sent, without what stands before the app's own routes; empty without a query. */
function linkTarget(c: RouteContext): string {
  const { incoming } = (c.env ?? {}) as RawBindings
  const { url } = c.req
  if (!(incoming?.url ?? url).includes('?')) return ''
  const parsed = withoutOrigin(url)
  const sent = withoutOrigin(incoming?.url ?? parsed)
  // The middleware of a family is mounted at the app's base and the family's own.
  const base = basePath(c).replace(/\/[^/]*\/?$/, '')
  const own = parsed.startsWith(base) ? parsed.slice(base.length) : parsed
  const before = sent.slice(0, sent.length - own.length)
  // A host app may have cut its own path off, and nothing else may stand there.
  return sent.endsWith(own) && isPlainPath(before) ? own : sent
}

/** A request may name its whole URL (RFC 9112 §3.2.2), though only proxies' clients do. */
function withoutOrigin(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/?#]*/i, '')
}

function isPlainPath(path: string): boolean {
  return path === '' || new URL(path, 'http://localhost').pathname === path
}

function onlyForReading(): CfileError {
  return new CfileError('method_not_allowed', 'A link is for reading; GET and HEAD are served.', {
    headers: { allow: 'GET, HEAD' },
  })
}
