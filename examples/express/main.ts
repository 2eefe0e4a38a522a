// cfile as a route of an existing Express app, under MOUNT.
import { openApp, parseEnv } from 'cfile'
import { toNodeHandler } from 'cfile/node'
import express from 'express'

const port = Number(process.env.PORT ?? 3000)
const mount = process.env.MOUNT ?? '/ai'
const base = `http://127.0.0.1:${port}${mount === '/' ? '' : mount}`
const settings = parseEnv({ CFILE_PUBLIC_URL: base, ...process.env })

const app = express()
app.get('/hello', (_, response) => {
  response.send('An app of your own; cfile is beside it.')
})
app.use(mount, toNodeHandler(openApp(settings)))

const server = app.listen(port, '127.0.0.1', () => {
  process.stdout.write(`${base}/files/{file_id}\n`)
})
process.once('SIGTERM', () => server.close())
