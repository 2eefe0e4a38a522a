/** A file that an SDK downloads through the OpenAI routes, over Node's own path for bytes. */

import { expect, it, onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { nodeRuntime } from '../../src/node.ts'
import { serveApp } from '../lib/served.ts'
import { listen } from '../lib/upstream.ts'

it('is whole although it lasts longer than the idle timeout', async () => {
  const pieces = 10
  const upstream = await listen((_, response) => {
    response.writeHead(200, { 'content-length': String(pieces * 1000) })
    let sent = 0
    const timer = setInterval(() => {
      sent += 1
      response.write(Buffer.alloc(1000))
      if (sent < pieces) return
      clearInterval(timer)
      response.end()
    }, 60)
  })
  onTestFinished(upstream.close)
  const upstreams = [{ endpoint: upstream.url, credential: apiKey('a-secret-key') }]
  const gateway = await serveApp(createApp({ ...nodeRuntime(), upstreams, idleTimeoutMs: 200 }))
  onTestFinished(gateway.close)
  const id = 'cfile_0123456789abcdef0123456789abcdef'
  const path = `/openai/v1/containers/cntr_0123456789abcdef/files/${id}/content`
  const answer = await fetch(gateway.url + path)
  expect((await answer.arrayBuffer()).byteLength).toBe(pieces * 1000)
})
