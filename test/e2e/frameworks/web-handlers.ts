/**
 * Frameworks whose handlers take a `Request` and return a `Response`. The frameworks do not run here: a small server
 * calls each handler with the arguments that its framework passes.
 */

import { serve } from '@hono/node-server'
import type { Hono } from 'hono'
import type { Mount } from './mount.ts'

/** Next.js: `app/ai/[...path]/route.ts` exports one function for each method. */
function nextRoute(files: Hono) {
  const handle = (request: Request) => files.fetch(request)
  return { GET: handle, HEAD: handle, POST: handle, DELETE: handle, OPTIONS: handle }
}

/** SvelteKit: `src/routes/ai/[...path]/+server.ts` exports `fallback`, which takes an event with the request. */
function svelteKitServer(files: Hono) {
  return { fallback: ({ request }: { readonly request: Request }) => files.fetch(request) }
}

/** Azure Functions v4: `app.http('cfile', { route: 'ai/{*path}', methods: […], handler })`, with streams switched on. */
function azureFunction(files: Hono) {
  return async (request: Request) => {
    const { status, headers, body } = await files.fetch(request)
    return { status, headers, body }
  }
}

function mountFetch(handle: (files: Hono) => (request: Request) => Promise<Response>): Mount {
  return async (files, port) => {
    const answer = handle(files)
    const fetchHost = (request: Request) =>
      new URL(request.url).pathname === '/hello' ? new Response('own') : answer(request)
    const server = serve({ fetch: fetchHost, port, hostname: '127.0.0.1' })
    await new Promise((resolve) => server.once('listening', resolve))
    return async () => server.close()
  }
}

export const next = mountFetch((files) => async (request) => {
  const route: Readonly<Record<string, (request: Request) => Response | Promise<Response>>> =
    nextRoute(files)
  return route[request.method]?.(request) ?? new Response(null, { status: 405 })
})

export const svelteKit = mountFetch(
  (files) => async (request) => svelteKitServer(files).fallback({ request }),
)

export const azureFunctions = mountFetch((files) => async (request) => {
  // The runtime's request has no signal.
  const { method, url, headers, body } = request
  const made = new Request(url, { method, headers, body, duplex: 'half' } as RequestInit)
  const { body: sent, ...init } = await azureFunction(files)(made)
  return new Response(sent, init)
})
