/**
 * Azure Functions v4: `app.http('cfile', { route: 'ai/{*path}', methods: […], handler })`, with streams switched on. Its
 * host does not run here: a small server calls the handler with the arguments that the host passes.
 */

import { serve } from '@hono/node-server'
import type { Hono } from 'hono'
import type { Mount } from './mount.ts'

function handlerOf(files: Hono) {
  return async (request: Request) => {
    const { status, headers, body } = await files.fetch(request)
    return { status, headers, body }
  }
}

export const mount: Mount = async (files, port) => {
  const handle = handlerOf(files)
  const answer = async (request: Request) => {
    // The host's request has no signal.
    const { method, url, headers, body } = request
    const made = new Request(url, { method, headers, body, duplex: 'half' } as RequestInit)
    const { body: sent, ...init } = await handle(made)
    return new Response(sent, init)
  }
  const fetchHost = (request: Request) =>
    new URL(request.url).pathname === '/hello' ? new Response('own') : answer(request)
  const server = serve({ fetch: fetchHost, port, hostname: '127.0.0.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  return async () => server.close()
}
