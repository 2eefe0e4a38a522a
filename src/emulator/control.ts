/**
 * Controls for tests and people, which Azure does not have: clock, faults, request log.
 *
 * @module
 */

import { Hono, type HonoRequest } from 'hono'
import { type FaultList, faultKinds } from './faults.ts'
import { invalidRequest, json, parseJson, readJson } from './json.ts'
import { directives } from './plan.ts'

/** An adjustable clock in unix seconds. */
interface Clock {
  now(): number
  advance(seconds: number): void
}

/**
 * Creates a clock that runs like another one, and can be moved forward.
 *
 * @param base unix seconds
 */
export function createClock(base: () => number): Clock {
  let offset = 0
  return {
    now: () => base() + offset,
    advance(seconds) {
      offset += seconds
    },
  }
}

/**
 * The routes below `/emulator`.
 *
 * @param clock of the emulator, which tests move forward
 * @param faults that tests add
 * @param log of all requests except those to these routes
 */
export function controlRoutes(clock: Clock, faults: FaultList, log: RequestLog): Hono {
  const routes = new Hono()
  routes.get('/', () =>
    json({
      object: 'emulator',
      message:
        "cfile's emulator of the Azure OpenAI endpoints. No model and no Python runs here; the files are real.",
      now: clock.now(),
      playground: '/emulator/playground',
      controls: ['/emulator/clock', '/emulator/faults', '/emulator/requests'],
      fault_kinds: Object.keys(faultKinds),
      prompts: directives.map((directive) => `[${directive}]`),
    }),
  )
  routes.get('/clock', () => json({ now: clock.now() }))
  routes.post('/clock', async (c) => {
    const { advance, now } = await readJson(c)
    const seconds = typeof now === 'number' ? now - clock.now() : advance
    if (!Number.isInteger(seconds)) throw invalidRequest(400, 'Give "advance" or "now" in seconds.')
    clock.advance(Number(seconds))
    return json({ now: clock.now() })
  })
  routes.get('/faults', () => json({ object: 'list', data: faults.list() }))
  routes.post('/faults', async (c) => {
    faults.add(parseJson(await c.req.text()))
    return json({ object: 'list', data: faults.list() })
  })
  routes.delete('/faults', () => {
    faults.clear()
    return json({ object: 'list', data: [] })
  })
  routes.get('/requests', () => json({ object: 'list', data: log.entries }))
  routes.delete('/requests', () => {
    log.clear()
    return json({ object: 'list', data: [] })
  })
  return routes
}

/** A request and its outcome. */
export interface LogEntry {
  readonly method: string
  readonly path: string
  /** With its question mark; empty if there is none. */
  readonly query: string
  /** Only the end of a secret is logged, to distinguish two of them. */
  readonly headers: Readonly<Record<string, string>>
  /** A short JSON body. */
  readonly body?: string
  status: number | null
  /** The number of a file's bytes that the client has read so far. */
  bytes: number
}

/** The latest 2,000 requests, oldest first. */
export interface RequestLog {
  add(request: HonoRequest): Promise<LogEntry>
  readonly entries: readonly LogEntry[]
  clear(): void
}

const mostEntries = 2000
const longestBody = 16 * 1024

/** Creates an empty log. */
export function createLog(): RequestLog {
  const entries: LogEntry[] = []
  return {
    entries,
    async add(request) {
      const { pathname, search } = new URL(request.url)
      const headers = Object.fromEntries(request.raw.headers)
      for (const name of ['api-key', 'authorization']) {
        const secret = headers[name]
        if (secret !== undefined) headers[name] = `***${secret.slice(8).slice(-4)}`
      }
      const isJson = /json/.test(headers['content-type'] ?? '')
      const body = isJson ? await request.text() : undefined
      const entry = {
        method: request.method,
        path: pathname,
        query: search,
        headers,
        body: body !== undefined && body.length <= longestBody ? body : undefined,
        status: null,
        bytes: 0,
      }
      entries.push(entry)
      if (entries.length > mostEntries) entries.shift()
      return entry
    },
    clear() {
      entries.length = 0
    },
  }
}
