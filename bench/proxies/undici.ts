/**
 * Node's server and undici's client with nothing between: what a gateway on Node could reach at best. UPSTREAM, PORT and
 * HTTP2 come from the environment.
 */

import { createServer } from 'node:http'

// The gateway's own, and not that of a peer.
const client = new URL('../../node_modules/undici/index.js', import.meta.url).href
const { Agent }: typeof import('undici') = await import(client)
const { UPSTREAM: origin = '', PORT, HTTP2 } = process.env
const agent = new Agent({ allowH2: HTTP2 === '1', pipelining: 1, connections: null })

createServer((incoming, outgoing) => {
  agent.dispatch(
    { origin, path: incoming.url ?? '/', method: 'GET' },
    {
      onRequestStart(controller) {
        outgoing.on('drain', () => controller.resume())
      },
      onResponseStart(_, status, headers) {
        const { 'content-length': length = '0' } = headers
        outgoing.writeHead(status, { 'content-length': String(length) })
      },
      onResponseData(controller, chunk) {
        if (chunk.byteLength > 0 && !outgoing.write(chunk)) controller.pause()
      },
      onResponseEnd: () => void outgoing.end(),
      onResponseError: () => void outgoing.destroy(),
    },
  )
}).listen(Number(PORT), '127.0.0.1')
