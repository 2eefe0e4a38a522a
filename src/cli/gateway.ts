/**
 * The gateway of the commands: the one at `CFILE_URL`, or one in this process.
 *
 * @module
 */

import { CfileError, isErrorCode, reasonOf } from '../core/errors.ts'
import { isObject } from '../core/json/value.ts'
import type { Env } from '../start/serve.ts'
import type { Terminal } from './command.ts'

/** Sends a request to a path of the gateway. @throws CfileError for every answer but a success */
export type Ask = (path: string, init?: RequestInit) => Promise<Response>

/**
 * Opens the gateway that the environment names.
 *
 * @throws CfileError `invalid_request` if it names none
 */
export async function openGateway({ env, signal }: Pick<Terminal, 'env' | 'signal'>): Promise<Ask> {
  const base = gatewayBase(env)
  const send = base === undefined ? await local(env) : remote(base, env.CFILE_KEY)
  const source = base === undefined ? 'Azure' : 'CFILE_URL'
  return async (path, init) => successOf(await send(path, { ...init, signal }), source)
}

/**
 * Reads `CFILE_URL` without trailing slashes; `undefined` if it is not set.
 *
 * @throws CfileError `invalid_request`
 */
export function gatewayBase({ CFILE_URL: text }: Env): string | undefined {
  if (!text) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  // `fetch` refuses a URL with a user name, in a message that shows the password.
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new CfileError('invalid_request', 'CFILE_URL takes the http or https URL of a gateway.')
  }
  return (url.origin + url.pathname).replace(/\/+$/, '')
}

/**
 * Sends a request to a URL that is not below `CFILE_URL`, without a credential.
 *
 * @param init as for `fetch`
 * @throws CfileError for every answer but a success
 */
export async function askElsewhere(
  url: URL,
  init: RequestInit,
  { signal }: Pick<Terminal, 'signal'>,
): Promise<Response> {
  const answer = await fetch(url, { ...init, signal }).catch((cause) => {
    signal.throwIfAborted()
    throw unreachable(url.host, cause)
  })
  return successOf(answer, url.host)
}

function remote(base: string, key: string | undefined): Ask {
  return async (path, init = {}) => {
    const headers = new Headers(init.headers)
    if (key) headers.set('authorization', `Bearer ${key}`)
    // A redirect is not followed, since it would carry the key to another server.
    const request = { ...init, headers, redirect: 'manual' } as const
    return fetch(base + path, request).catch((cause) => {
      init.signal?.throwIfAborted()
      throw unreachable('CFILE_URL', cause)
    })
  }
}

/**
 * Opens a gateway in this process. Commands run the same code as a server, so both find the same files. It ignores
 * the settings of callers' keys, store and archive.
 */
async function local(env: Env): Promise<Ask> {
  // Loaded on demand, since it takes a moment.
  const [{ openApp }, { parseEnv }] = await Promise.all([
    import('../start/open-app.ts'),
    import('../start/settings/settings.ts'),
  ])
  const own = Object.entries(env).filter(
    ([name]) => !/^CFILE_(?:API_KEYS|JW|STORE|ARCHIVE$)/.test(name),
  )
  const settings = parseEnv({ LOG_LEVEL: 'silent', ...Object.fromEntries(own) })
  if (settings.upstreams.length === 0) {
    throw new CfileError(
      'invalid_request',
      'There is no server to ask: set CFILE_URL to a gateway, or AZURE_OPENAI_ENDPOINT and its key.',
    )
  }
  const app = openApp(settings)
  const base = settings.publicUrl ?? 'http://127.0.0.1:8787'
  return async (path, init) => app.fetch(new Request(base + path, init))
}

function unreachable(source: string, cause: unknown): CfileError {
  return new CfileError('upstream_error', `${source} does not answer: ${reasonOf(cause)}.`, {
    cause,
  })
}

async function successOf(answer: Response, source: string): Promise<Response> {
  if (answer.ok) return answer
  const body: unknown = await answer.json().catch(() => undefined)
  const error = field(body, 'error')
  const message = textField(error, 'message')
  const code = field(error, 'code')
  if (message === undefined) throw foreignAnswer(answer, source)
  const fallback = answer.status === 404 ? 'not_found' : 'upstream_error'
  throw new CfileError(isErrorCode(code) ? code : fallback, message, {
    hint: textField(error, 'hint'),
  })
}

/** Creates the error for an answer that does not come from a gateway, such as a redirect to a sign-in page. */
function foreignAnswer({ status, headers }: Response, source: string): CfileError {
  const target = headers.get('location') ?? ''
  const isRedirect = status >= 300 && status < 400 && URL.canParse(target)
  const problem = isRedirect
    ? `${source} redirects to ${new URL(target).host} instead of answering`
    : `${source} answered with status ${status} and no message`
  const code = status === 404 ? 'not_found' : 'upstream_invalid'
  return new CfileError(code, `${problem}.`, {
    hint: isRedirect
      ? 'It may want you to sign in first.'
      : 'Check that the URL leads to a cfile gateway.',
  })
}

/** Reads a field of an object. */
export function field(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

/** Reads a field that is a non-empty text. */
export function textField(value: unknown, name: string): string | undefined {
  const found = field(value, name)
  return typeof found === 'string' && found !== '' ? found : undefined
}

/** Reads a field that is a number. */
export function numberField(value: unknown, name: string): number | undefined {
  const found = field(value, name)
  return typeof found === 'number' ? found : undefined
}

/** Reads a field that is a list. */
export function listField(value: unknown, name: string): readonly unknown[] {
  const found = field(value, name)
  return Array.isArray(found) ? found : []
}
