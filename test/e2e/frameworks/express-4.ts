import express from 'express-4'
import { toNodeHandler } from '../../../src/node.ts'
import type { Mount } from './mount.ts'

export const mount: Mount = async (files, port) => {
  const app = express()
  app.use('/ai', toNodeHandler(files))
  app.use(express.json())
  app.get('/hello', (_, response) => void response.send('own'))
  const server = app.listen(port, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return async () => server.close()
}
