/** A stream of events, passed through by a Hono route untouched. UPSTREAM and PORT come from the environment. */

import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const app = new Hono()
app.post('*', async (c) => {
  const body = await c.req.text()
  const headers = { 'x-bench': c.req.header('x-bench') ?? '' }
  const answer = await fetch(`${process.env.UPSTREAM}${c.req.path}`, {
    method: 'POST',
    body,
    headers,
  })
  return new Response(answer.body, { headers: { 'content-type': 'text/event-stream' } })
})
serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' })
