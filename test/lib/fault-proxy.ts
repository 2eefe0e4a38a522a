/**
 * A proxy on sockets that imitates faults of networks and services: it cuts, resets and stalls bodies, sends wrong lengths
 * and ranges, and sends another file at the second request.
 */

import { connect, createServer, type Server, type Socket } from 'node:net'

/** The fault of one answer. */
export interface ProxyFault {
  readonly kind: 'pass' | 'cut' | 'reset' | 'stall' | 'longer' | 'shorter' | 'elsewhere' | 'other'
  /** Position of the fault in the body, 0 to 1. */
  readonly at: number
}

/** Chooses the fault of the answer to a request for file content. */
export type ChooseFault = (fileId: string) => ProxyFault

export function createFaultProxy(port: () => number, choose: ChooseFault): Server {
  return createServer((client) => {
    const upstream = connect(port(), '127.0.0.1')
    const close = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) socket.on('error', close).on('close', close)
    client.once('data', (request) => {
      const [, fileId] = /\/files\/(\w+)\/content/.exec(request.toString('latin1')) ?? []
      const fault: ProxyFault = fileId === undefined ? { kind: 'pass', at: 0 } : choose(fileId)
      upstream.write(request)
      client.pipe(upstream)
      answer(upstream, client, fault)
    })
  })
}

/** One answer for each connection, so that every request can get a fault. */
function answer(upstream: Socket, client: Socket, fault: ProxyFault): void {
  let head = Buffer.alloc(0)
  let left: number | undefined
  let size = 0
  upstream.on('data', (data) => {
    if (left !== undefined) return passBody(data)
    head = Buffer.concat([head, data])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    const text = head.subarray(0, end).toString('latin1')
    size = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
    left = fault.kind === 'pass' || !/^HTTP\/1.1 20/.test(text) ? Infinity : size * fault.at
    // Without `connection: close`, since Node's fetch fails with an assertion when such an answer ends while it is paused.
    client.write(`${falsify(text, size, fault)}\r\n\r\n`, 'latin1')
    passBody(head.subarray(end + 4))
  })
  let passed = 0

  function passBody(data: Buffer): void {
    const isOver = passed + data.length >= size
    if (fault.kind === 'other') {
      write(
        data.map((byte) => byte ^ 1),
        isOver,
      )
      return
    }
    const part = data.subarray(0, Math.max(0, Math.floor((left ?? 0) - passed)))
    if (['cut', 'reset', 'stall'].includes(fault.kind) && part.length < data.length) {
      write(part, false)
      upstream.pause()
      if (fault.kind === 'cut') client.end()
      if (fault.kind === 'reset') client.resetAndDestroy()
      return
    }
    write(data, isOver)
  }

  function write(data: Uint8Array, isOver: boolean): void {
    passed += data.length
    if (!client.write(data) && !isOver) {
      upstream.pause()
      client.once('drain', () => upstream.resume())
    }
    if (isOver) client.end()
  }
}

function falsify(head: string, size: number, { kind, at }: ProxyFault): string {
  const by = 1 + Math.floor(at * 1000)
  const plain = head.replace(/\r\n(?:connection|keep-alive): [^\r]*/gi, '')
  const length = (bytes: number) =>
    plain.replace(/content-length: \d+/i, `content-length: ${Math.max(0, bytes)}`)
  if (kind === 'longer') return length(size + by)
  if (kind === 'shorter') return length(size - by)
  if (kind === 'elsewhere') {
    return plain.replace(
      /content-range: bytes (\d+)/i,
      (_, start) => `content-range: bytes ${Number(start) + by}`,
    )
  }
  return plain
}
