import fs from 'node:fs/promises'
import { createServer, get, type ServerResponse } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { ByteReader } from '../../src/core/bytes/reader.ts'
import type { Wait } from '../../src/core/time.ts'
import { createNodeCarrier, ReaderResponse } from '../../src/node-http/answer.ts'
import { createByteQueue, createInflow } from '../../src/node-http/byte-queue.ts'
import { createRespond } from '../../src/node-http/respond.ts'
import { webRuntime } from '../../src/runtime.ts'

const respond = createRespond()
const nodeCarrier = createNodeCarrier({ wait: webRuntime.wait, idleMs: 60_000 })

let close: (() => void) | undefined
afterEach(() => close?.())

async function listen(answer: (outgoing: ServerResponse) => void): Promise<number> {
  const server = createServer((_, outgoing) => answer(outgoing))
  close = () => {
    server.closeAllConnections()
    server.close()
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** Gives pieces of a few bytes, some at once and some later. */
function readerOf(texts: readonly string[]): ByteReader & { readonly seen: string[] } {
  const left = [...texts]
  const seen: string[] = []
  return {
    seen,
    async read() {
      const text = left.shift()
      seen.push(text ?? 'end')
      if (left.length % 2 === 1) await new Promise((resolve) => setTimeout(resolve, 2))
      return text === undefined ? undefined : new TextEncoder().encode(text)
    },
    async cancel() {
      seen.push('cancelled')
    },
  }
}

/** Gives large pieces until it is cancelled. */
function endlessReader(): ByteReader {
  let piece: Uint8Array | undefined = new Uint8Array(64 * 1024)
  return {
    read: async () => piece,
    async cancel() {
      piece = undefined
    },
  }
}

describe('an answer of small pieces', () => {
  it('is whole and the only thing on its connection, with a length and in chunks', async () => {
    const texts = Array.from({ length: 50 }, (_, at) => `piece ${at};`)
    const whole = texts.join('')
    const lengths: Record<string, string>[] = [{}, { 'content-length': String(whole.length) }]
    for (const headers of lengths) {
      const port = await listen(async (outgoing) =>
        respond(await nodeCarrier.answer(readerOf(texts), { headers }), outgoing),
      )
      const socket = connect(port, '127.0.0.1')
      let raw = ''
      socket.on('data', (chunk) => {
        raw += chunk
      })
      const request = 'GET / HTTP/1.1\r\nhost: a\r\n'
      socket.write(`${request}\r\n${request}connection: close\r\n\r\n`)
      await new Promise((resolve) => socket.once('end', resolve))
      const bodies = raw.split(/HTTP\/1\.1 200 OK\r\n/).slice(1)
      const read = bodies.map((text) => bodyIn(text.slice(text.indexOf('\r\n\r\n') + 4), headers))
      expect(read).toEqual([whole, whole])
      close?.()
    }
  })

  it('has its bytes and its end behind middleware that uses the bytes later and returns nothing', async () => {
    const pieces = Array.from({ length: 20 }, (_, at) => `${at % 10}`.repeat(10_000))
    const memory = new Uint8Array(10_000)
    const left = [...pieces]
    const reusing: ByteReader = {
      async read() {
        const text = left.shift()
        if (text === undefined) return undefined
        new TextEncoder().encodeInto(text, memory)
        return memory
      },
      async cancel() {},
    }
    const port = await listen((outgoing) => {
      const { write, end } = outgoing
      const held: Uint8Array[] = []
      Object.assign(outgoing, {
        write: (piece: Uint8Array) => void held.push(piece),
        end: (...given: unknown[]) => {
          if (given.length > 0) throw new TypeError('The end takes no callback.')
          for (const piece of held) Reflect.apply(write, outgoing, [piece])
          Reflect.apply(end, outgoing, [])
        },
      })
      respond(nodeCarrier.answer(reusing, { headers: {} }), outgoing)
    })
    const text = await (await fetch(`http://127.0.0.1:${port}/`)).text()
    expect(text).toBe(pieces.join(''))
  })

  it('is not read for a client that is gone already', async () => {
    const reader = readerOf(['a', 'b'])
    const port = await listen((outgoing) => {
      outgoing.once('close', async () =>
        respond(await nodeCarrier.answer(reader, { headers: {} }), outgoing),
      )
      request.destroy()
    })
    const request = get({ port, host: '127.0.0.1' }).on('error', () => {})
    await expect.poll(() => reader.seen).toEqual(['cancelled'])
  })
})

describe('clients that take their bytes slowly', () => {
  it('share one reading of the list of connections, which would else fill the memory', async () => {
    const { readFile } = fs
    const paths: string[] = []
    Object.assign(fs, {
      readFile: (path: string, ...rest: unknown[]) => {
        paths.push(path)
        return Reflect.apply(readFile, fs, [path, ...rest])
      },
    })
    syncBuiltinESMExports()
    const carrier = createNodeCarrier({ wait: webRuntime.wait, idleMs: 2000 })
    const port = await listen((outgoing) =>
      respond(carrier.answer(endlessReader(), { headers: {} }), outgoing),
    )
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
      return socket
    })
    await new Promise((resolve) => setTimeout(resolve, 1400))
    Object.assign(fs, { readFile })
    syncBuiltinESMExports()
    for (const socket of sockets) socket.destroy()
    const lists = paths.filter((path) => path.startsWith('/proc/net/'))
    expect(lists.length).toBeGreaterThan(0)
    // Each client asks twice. Without sharing there are 80 reads.
    expect(lists.length).toBeLessThan(30)
  })

  it('leave no timer behind when they are gone, which would keep the process of a host app alive', async () => {
    const idleMs = 2000
    let waits = 0
    const counted: Wait = async (ms, signal) => {
      waits += 1
      await webRuntime.wait(ms, signal).finally(() => {
        waits -= 1
      })
    }
    const carrier = createNodeCarrier({ wait: counted, idleMs })
    const port = await listen((outgoing) =>
      respond(carrier.answer(endlessReader(), { headers: {} }), outgoing),
    )
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    // The limit has looked for progress once, after 500 ms, and waits to look again.
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(waits).toBe(1)
    socket.destroy()
    await expect.poll(() => waits, { timeout: 200, interval: 10 }).toBe(0)
  })
})

describe('a body that breaks', () => {
  const lengths: Record<string, string>[] = [{}, { 'content-length': '1000' }]
  it.each(lengths)(
    'sends what came before, and then cuts the connection, with %j',
    async (headers) => {
      const encode = (text: string) => new TextEncoder().encode(text)
      const asReader = (): Response => {
        const pieces = [encode('abc')]
        const read = async () => {
          const piece = pieces.shift()
          if (piece === undefined) throw new Error('broken')
          return piece
        }
        return nodeCarrier.answer({ read, cancel: async () => {} }, { headers })
      }
      const asStream = (): Response => {
        const pieces = [encode('abc')]
        const pull = (controller: ReadableStreamDefaultController) => {
          const piece = pieces.shift()
          if (piece === undefined) controller.error(new Error('broken'))
          else controller.enqueue(piece)
        }
        return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), { headers })
      }
      const asQueue = (): Response => {
        const { bytes, write, end } = createByteQueue(createInflow(), () => {})
        write(encode('abc'))
        end(new Error('broken'))
        return new ReaderResponse({ bytes }, { status: 200, headers: new Headers(headers) })
      }
      for (const make of [asReader, asStream, asQueue]) {
        const port = await listen((outgoing) => respond(make(), outgoing))
        const socket = connect(port, '127.0.0.1')
        socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
        let raw = ''
        for await (const chunk of socket) raw += chunk
        expect([make.name, raw]).toEqual([make.name, expect.stringMatching(/^HTTP\/1\.1 200/)])
        expect(raw).toMatch(/abc(?:\r\n)?$/)
        close?.()
      }
    },
  )
})

function bodyIn(text: string, headers: object): string {
  if ('content-length' in headers) return text
  const chunks = text.match(/[0-9a-f]+\r\n[^\r]*\r\n/g) ?? []
  expect(chunks.join('')).toBe(text)
  expect(chunks.at(-1)).toBe('0\r\n\r\n')
  return chunks.map((chunk) => chunk.split('\r\n')[1]).join('')
}
