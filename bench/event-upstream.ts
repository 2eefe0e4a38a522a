/** An upstream that streams events: as fast as possible, or one per millisecond that contains the time. It listens on `PORT`. */

import { createServer } from 'node:http'

const filler = 'x'.repeat(60)
const event = (number: number, delta: string): string =>
  `event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"${delta}","sequence_number":${number},"logprobs":[]}\n\n`

createServer((request, response) => {
  request.resume()
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  if (request.headers['x-bench'] === 'paced') paced(response)
  else flood(response)
}).listen(Number(process.env.PORT), '127.0.0.1')

type Out = {
  write(text: string): boolean
  end(): void
  once(name: 'drain', go: () => void): unknown
}

function flood(response: Out): void {
  const pieces = Array.from({ length: 2000 }, (_, index) =>
    Array.from({ length: 100 }, (_, at) => event(index * 100 + at, filler)).join(''),
  )
  const next = (): void => {
    for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
      if (!response.write(piece)) {
        response.once('drain', next)
        return
      }
    }
    response.end()
  }
  next()
}

function paced(response: Out): void {
  let number = 0
  const timer = setInterval(() => {
    response.write(event(number, String(performance.timeOrigin + performance.now())))
    number += 1
    if (number < 3000) return
    clearInterval(timer)
    response.end()
  }, 1)
}
