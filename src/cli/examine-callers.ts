/**
 * What `cfile doctor` checks about callers: which authentication is set, and whether the keys of tokens can be fetched.
 *
 * @module
 */

import { isCfileError } from '../core/errors.ts'
import { createRemoteKeys, keysCure as cure } from '../routes/callers/remote-keys.ts'
import type { Runtime } from '../runtime.ts'
import type { CallerSettings } from '../start/settings/callers.ts'
import type { Finding } from './examine.ts'

type KeyRuntime = Pick<Runtime, 'fetch' | 'now' | 'wait'>

/** Examines the settings of callers. */
export async function examineCallers(
  { keys, jwt }: CallerSettings,
  runtime: KeyRuntime,
): Promise<Finding[]> {
  if (keys === undefined && jwt === undefined) {
    return [
      { state: 'note', what: 'callers', found: 'no authentication: all requests are of one owner' },
    ]
  }
  const owners = new Set(keys?.map(({ owner }) => owner))
  return [
    ...(keys === undefined
      ? []
      : [
          {
            state: 'ok' as const,
            what: 'keys',
            found: `${keys.length}, of owners: ${owners.size}`,
          },
        ]),
    ...(jwt === undefined ? [] : [await examineTokens(jwt.jwksUrl, runtime)]),
  ]
}

async function examineTokens(url: string, { fetch, now, wait }: KeyRuntime): Promise<Finding> {
  const what = 'tokens'
  try {
    const keys = await createRemoteKeys({ url, fetch, now, wait }).ready()
    return { state: 'ok', what, found: `keys at CFILE_JWKS_URL: ${keys.length}` }
  } catch (error) {
    if (!isCfileError(error)) throw error
    const found = `the keys at CFILE_JWKS_URL can't be fetched: ${error.details.cause}`
    return { state: 'failed', what, found, cure }
  }
}
