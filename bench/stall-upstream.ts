/**
 * An upstream that accepts every request. The header `x-answer` of a request chooses the size of the answer.
 */

import { createServer, type ServerResponse } from 'node:http'
import { large } from './large-bodies.ts'

function answer(kind: string, response: ServerResponse): void {
  const tools = kind.startsWith('stream') ? kind.slice(7) : kind
  const json = `{"object":"response","id":"resp_bench","tools":${large[tools]?.() ?? '[]'},"output":[]}`
  if (!kind.startsWith('stream')) {
    response.setHeader('content-type', 'application/json')
    response.end(json)
    return
  }
  response.setHeader('content-type', 'text/event-stream')
  response.end(
    `event: response.completed\ndata: {"type":"response.completed","response":${json}}\n\n`,
  )
}

createServer((request, response) => {
  request.on('data', () => {})
  request.on('end', () => answer(String(request.headers['x-answer'] ?? ''), response))
}).listen(Number(process.env.PORT), '127.0.0.1')
