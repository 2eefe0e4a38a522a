/** What each file here provides: a server of one framework that serves cfile below `/ai`. */

import type { Hono } from 'hono'

/** Listens on a port of loopback, and resolves to what ends it. `/hello` is the host's own route. */
export type Mount = (files: Hono, port: number) => Promise<() => Promise<unknown>>
