/**
 * `CFILE_STORE`: which store, and where.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'

/** A store that was chosen. */
export type StoreSetting =
  | { readonly kind: 'memory' }
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'redis'; readonly url: string }
  | { readonly kind: 'd1' | 'kv'; readonly binding: string }

/**
 * Reads the setting.
 *
 * @throws CfileError `invalid_request` that shows no more than the kind, since a URL may hold a password
 */
export function parseStoreSetting(text: string): StoreSetting {
  const [, scheme = '', rest = ''] = /^([a-z0-9]+):(.*)$/s.exec(text) ?? []
  if (scheme === 'memory' && rest === '') return { kind: 'memory' }
  if (scheme === 'sqlite' && rest !== '') return { kind: 'sqlite', path: rest }
  if ((scheme === 'redis' || scheme === 'rediss') && URL.canParse(text)) {
    return { kind: 'redis', url: text }
  }
  if ((scheme === 'd1' || scheme === 'kv') && /^[A-Za-z_]\w*$/.test(rest)) {
    return { kind: scheme, binding: rest }
  }
  throw new CfileError(
    'invalid_request',
    `CFILE_STORE got ${scheme === '' ? 'something without a scheme' : `"${scheme}:" and something that does not fit`}, but takes memory:, sqlite:PATH, redis://HOST:PORT/DB, d1:BINDING or kv:BINDING.`,
    { param: 'CFILE_STORE' },
  )
}
