/**
 * Whom the subcommands ask: the gateway at `CFILE_URL`, or one in this process, straight before Azure.
 *
 * @module
 */

import { CfileError, type ErrorCode, reasonOf } from '../core/errors.ts'
import type { Env } from '../start/serve.ts'

/** Asks for a path of the gateway. @throws CfileError for every answer that is none */
export type Ask = (path: string, init?: RequestInit) => Promise<Response>

/**
 * Opens the gateway that the environment names.
 *
 * @throws CfileError `invalid_request` where it names none
 */
export async function openGateway(env: Env): Promise<Ask> {
  const fetcher = env.CFILE_URL ? remote(env.CFILE_URL, env.CFILE_KEY) : await local(env)
  return async (path, init) => {
    const response = await fetcher(path, init)
    if (response.ok) return response
    throw await errorOf(response)
  }
}

function remote(base: string, key: string | undefined): Ask {
  if (!URL.canParse(base) || !/^https?:$/.test(new URL(base).protocol)) {
    throw new CfileError('invalid_request', 'CFILE_URL takes the http or https URL of a gateway.')
  }
  return async (path, init = {}) => {
    const headers = new Headers(init.headers)
    if (key) headers.set('authorization', `Bearer ${key}`)
    // A key goes to the gateway that was named, and nowhere that it points to.
    const request = { ...init, headers, redirect: 'manual' } as const
    return fetch(base.replace(/\/+$/, '') + path, request).catch((cause) => {
      throw new CfileError('upstream_error', `CFILE_URL does not answer: ${reasonOf(cause)}.`, {
        cause,
      })
    })
  }
}

/**
 * The same code path as behind a server, so that both find the same. Whose files a server keeps, and where, is nobody's
 * business here.
 */
async function local(env: Env): Promise<Ask> {
  // A gateway of one's own takes a moment to load, which asking another need not wait for.
  const [{ openApp }, { parseEnv }] = await Promise.all([
    import('../start/open-app.ts'),
    import('../start/settings.ts'),
  ])
  const own = Object.entries(env).filter(
    ([name]) => !/^CFILE_(?:API_KEYS|JW|STORE|ARCHIVE$)/.test(name),
  )
  const settings = parseEnv({ LOG_LEVEL: 'silent', ...Object.fromEntries(own) })
  if (settings.upstreams.length === 0) {
    throw new CfileError(
      'invalid_request',
      'There is nobody to ask: set CFILE_URL to a gateway, or AZURE_OPENAI_ENDPOINT and its key.',
    )
  }
  const app = openApp(settings)
  const base = settings.publicUrl ?? 'http://127.0.0.1:8787'
  return async (path, init) => app.fetch(new Request(base + path, init))
}

interface ErrorBody {
  readonly error?: { readonly code?: unknown; readonly message?: unknown; readonly hint?: unknown }
}

async function errorOf(response: Response): Promise<CfileError> {
  const body: ErrorBody = await response.json().catch(() => ({}))
  const { code, message, hint } = body.error ?? {}
  if (typeof code === 'string' && typeof message === 'string') {
    return new CfileError(code as ErrorCode, message, {
      hint: typeof hint === 'string' ? hint : undefined,
    })
  }
  return new CfileError(
    'upstream_invalid',
    `CFILE_URL answered with status ${response.status} and no error of cfile's: is it a gateway?`,
  )
}
