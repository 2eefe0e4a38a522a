/** The proxy of Fastify. UPSTREAM and PORT come from the environment. */

import replyFrom from '@fastify/reply-from'
import fastify from 'fastify'

const app = fastify()
app.register(replyFrom, { base: process.env.UPSTREAM, undici: { connections: 64, pipelining: 1 } })
app.get('*', (request, reply) => reply.from(request.url))
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
