// cfile as a route of an existing Hono app, under MOUNT.
import { serve } from '@hono/node-server'
import { openApp, parseEnv } from 'cfile'
import { Hono } from 'hono'

const port = Number(process.env.PORT ?? 3000)
const mount = process.env.MOUNT ?? '/ai'
const base = `http://127.0.0.1:${port}${mount === '/' ? '' : mount}`
const settings = parseEnv({ CFILE_PUBLIC_URL: base, ...process.env })

const app = new Hono()
app.get('/hello', (c) => c.text('An app of your own; cfile is beside it.'))
app.route(mount, openApp(settings))

const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => {
  process.stdout.write(`${base}/files/{file_id}\n`)
})
process.once('SIGTERM', () => server.close())
