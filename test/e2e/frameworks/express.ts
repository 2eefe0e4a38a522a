import express5 from 'express'
import express4 from 'express-4'
import { toNodeHandler } from '../../../src/node.ts'
import type { Mount } from './mount.ts'

/** Both versions are used alike: cfile comes before anything that reads bodies. */
const mountIn =
  (express: typeof express5): Mount =>
  async (files, port) => {
    const app = express()
    app.use('/ai', toNodeHandler(files))
    app.use(express.json())
    app.get('/hello', (_, response) => void response.send('own'))
    const server = app.listen(port, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    return async () => server.close()
  }

export const mount4: Mount = mountIn(express4)
export const mount5: Mount = mountIn(express5)
