/** The naive way: a Hono route that hands on what `fetch` gives. UPSTREAM and PORT come from the environment. */

import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const app = new Hono()
app.get('*', async (c) => {
  const answer = await fetch(process.env.UPSTREAM + c.req.path)
  const headers = new Headers(answer.headers)
  headers.delete('connection')
  headers.delete('keep-alive')
  return new Response(answer.body, { status: answer.status, headers })
})
serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' })
