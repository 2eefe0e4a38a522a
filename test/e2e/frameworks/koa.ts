import Koa from 'koa'
import { toNodeHandler } from '../../../src/node.ts'
import type { Mount } from './mount.ts'

export const mount: Mount = async (files, port) => {
  const handler = toNodeHandler(files)
  const app = new Koa()
  app.use(async (context, next) => {
    if (!context.path.startsWith('/ai/')) return next()
    // cfile writes to the raw response, so Koa must not.
    context.respond = false
    await handler(context.req, context.res)
  })
  app.use((context) => {
    context.body = 'own'
  })
  const server = app.listen(port, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return async () => server.close()
}
