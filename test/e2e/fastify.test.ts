import fastify from 'fastify'
import { expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { serve, toNodeHandler } from '../../src/node.ts'
import { doMainJob } from '../lib/main-job.ts'
import { freePort } from './engines.ts'

it.each(['', '/ai'])(
  'mounts in Fastify at "%s", where Fastify must leave the body alone',
  async (path) => {
    const azure = await serve({ PORT: '0', LOG_LEVEL: 'silent', CFILE_STORE: 'memory:' })
    const port = await freePort()
    const base = `http://127.0.0.1:${port}${path}`
    const handler = toNodeHandler(
      createApp({
        upstreams: [{ endpoint: azure.url, credential: apiKey('any') }],
        publicUrl: base,
      }),
    )

    const app = fastify()
    app.get('/hello', () => 'own')
    await app.register(
      async (scope) => {
        scope.removeAllContentTypeParsers()
        scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
        scope.all('/*', (request, reply) => {
          reply.hijack()
          handler(request.raw, reply.raw)
        })
      },
      { prefix: path },
    )

    await app.listen({ port, host: '127.0.0.1' })
    try {
      await doMainJob(base)
      expect(await (await fetch(`http://127.0.0.1:${port}/hello`)).text()).toBe('own')
    } finally {
      await app.close()
      await azure.close()
    }
  },
)
