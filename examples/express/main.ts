// cfile as a route of an existing Express app, under /ai.
import { openApp, parseEnv } from 'cfile'
import { toNodeHandler } from 'cfile/node'
import express from 'express'

const port = Number(process.env.PORT ?? 3000)
const settings = parseEnv({ CFILE_PUBLIC_URL: `http://127.0.0.1:${port}/ai`, ...process.env })

const app = express()
app.get('/', (_, response) => {
  response.send('An app of your own; its files are below /ai.')
})
app.use('/ai', toNodeHandler(openApp(settings)))

const server = app.listen(port, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${port}/ai/files/{file_id}\n`)
})
process.once('SIGTERM', () => server.close())
