/**
 * A log of the emulator's requests, for tests.
 *
 * @module
 */

import type { HonoRequest } from 'hono'

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
