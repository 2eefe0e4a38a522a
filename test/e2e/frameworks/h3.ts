import { createServer } from 'node:http'
import { createApp, eventHandler, fromNodeMiddleware, toNodeListener } from 'h3'
import { toNodeHandler } from '../../../src/node.ts'
import type { Mount } from './mount.ts'

/** Nitro and Nuxt use the same event handlers: `server/routes/ai/[...path].ts` exports `fromNodeMiddleware(handler)`. */
export const mount: Mount = async (files, port) => {
  const app = createApp()
  app.use('/ai', fromNodeMiddleware(toNodeHandler(files)))
  app.use(
    '/hello',
    eventHandler(() => 'own'),
  )
  const server = createServer(toNodeListener(app))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return async () => server.close()
}
