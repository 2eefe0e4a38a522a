import fastify from 'fastify'
import { toNodeHandler } from '../../../src/node.ts'
import type { Mount } from './mount.ts'

export const mount: Mount = async (files, port) => {
  const handler = toNodeHandler(files)
  const app = fastify()
  app.get('/hello', () => 'own')
  await app.register(
    async (scope) => {
      // The bodies are cfile's to read.
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
      scope.all('/*', (request, reply) => {
        reply.hijack()
        handler(request.raw, reply.raw)
      })
    },
    { prefix: '/ai' },
  )
  await app.listen({ port, host: '127.0.0.1' })
  return () => app.close()
}
