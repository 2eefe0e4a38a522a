// cfile as a route of an existing Hono app, under /ai.
import { serve } from '@hono/node-server'
import { openApp, parseEnv } from 'cfile'
import { Hono } from 'hono'

const port = Number(process.env.PORT ?? 3000)
const settings = parseEnv({ CFILE_PUBLIC_URL: `http://127.0.0.1:${port}/ai`, ...process.env })

const app = new Hono()
app.get('/', (c) => c.text('An app of your own; its files are below /ai.'))
app.route('/ai', openApp(settings))

const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => {
  process.stdout.write(`http://127.0.0.1:${port}/ai/files/{file_id}\n`)
})
process.once('SIGTERM', () => server.close())
