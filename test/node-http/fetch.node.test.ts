import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { sourceOf } from '../../src/node-http/answer.ts'
import { createDispatchFetch } from '../../src/node-http/fetch.ts'
import { bodyOf, type Listening, listen, listenRaw } from '../lib/upstream.ts'

const { fetch: dispatched } = createDispatchFetch({ fetch })
const both: [string, typeof fetch][] = [
  ['the fetch of the runtime', fetch],
  ['the dispatcher', dispatched],
]
const manual = { redirect: 'manual' } as const

let upstream: Listening | undefined
afterEach(async () => {
  await upstream?.close()
  upstream = undefined
})

describe.each(both)('%s', (_, ask) => {
  it.each([
    ['nothing', undefined, ''],
    ['a text', 'für alle', 'für alle'],
    ['bytes', new TextEncoder().encode('abc'), 'abc'],
    ['a stream', 'stream', 'one two'],
  ])('sends %s', async (_name, body, want) => {
    upstream = await listen(async (request, response) => {
      const { method, url, headers } = request
      response.end(
        JSON.stringify({ method, url, name: headers['x-name'], body: await bodyOf(request) }),
      )
    })
    const sent = body === 'stream' ? new Blob(['one ', 'two']).stream() : body
    const answer = await ask(`${upstream.url}/a%2Fb?c=%20d`, {
      ...manual,
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'x-name': 'v' },
      body: sent as string,
      ...(body === 'stream' ? { duplex: 'half' } : {}),
    } as RequestInit)
    expect(await answer.json()).toEqual({
      method: body === undefined ? 'GET' : 'POST',
      url: '/a%2Fb?c=%20d',
      name: 'v',
      body: want,
    })
  })

  it('reads the head as it was sent, names that come twice and Latin-1 included', async () => {
    upstream = await listenRaw((socket) => {
      const head =
        'HTTP/1.1 206 Some\r\nX-A: 1\r\nX-A: 2\r\nX-L: caf\xe9\r\nContent-Length: 2\r\n\r\nok'
      socket.end(Buffer.from(head, 'latin1'))
    })
    const answer = await ask(upstream.url, manual)
    expect([answer.status, answer.statusText, answer.ok]).toEqual([206, 'Some', true])
    expect(answer.headers.get('x-a')).toBe('1, 2')
    expect(answer.headers.get('x-l')).toBe('caf\xe9')
    expect(await answer.text()).toBe('ok')
  })

  it.each([301, 302, 303, 307, 308])('goes nowhere else on a %i', async (status) => {
    const paths: string[] = []
    upstream = await listen((request, response) => {
      paths.push(request.url ?? '')
      response.writeHead(status, { location: '/elsewhere' }).end()
    })
    const answer = await ask(upstream.url, manual)
    expect(answer.status).toBe(status)
    expect(paths).toEqual(['/'])
  })

  it('has no body where the status or the method has none, so that an answer can be made of it', async () => {
    upstream = await listen((request, response) => {
      response.writeHead(Number(request.url?.slice(1)), { etag: '"a"' }).end()
    })
    for (const status of [204, 205, 304]) {
      const answer = await ask(`${upstream.url}/${status}`, manual)
      expect([answer.status, answer.body, answer.headers.get('etag')]).toEqual([
        status,
        null,
        '"a"',
      ])
    }
    const head = await ask(`${upstream.url}/200`, { ...manual, method: 'HEAD' })
    expect([head.status, head.body]).toEqual([200, null])
  })

  it('leaves nothing behind of a body that breaks after its reader has gone', async () => {
    upstream = await listen((request, response) => {
      request.resume().on('end', () => response.end())
    })
    const uncaught: unknown[] = []
    const hear = (error: unknown) => void uncaught.push(error)
    process.on('uncaughtException', hear)
    for (const isLate of [false, true]) {
      const gone = new AbortController()
      let fail: (error: Error) => void = () => {}
      const body = new ReadableStream({
        start(controller) {
          fail = (error) => controller.error(error)
        },
      })
      if (!isLate) gone.abort(new Error('left'))
      const init = { ...manual, method: 'POST', body, duplex: 'half', signal: gone.signal }
      const asked = ask(upstream.url, init as RequestInit)
      gone.abort(new Error('left'))
      fail(new Error('the client left'))
      await expect(asked).rejects.toThrow()
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
    process.off('uncaughtException', hear)
    expect(uncaught).toEqual([])
  })

  it('breaks a body that the upstream breaks, of announced length or in chunks', async () => {
    for (const head of ['Content-Length: 100', 'Transfer-Encoding: chunked']) {
      upstream = await listenRaw((socket) => {
        const chunk = head.startsWith('T') ? '5\r\nabcde\r\n' : 'abcde'
        socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${chunk}`, () => socket.destroy())
      })
      const answer = await ask(upstream.url, manual)
      await expect(answer.arrayBuffer(), head).rejects.toThrow()
      await upstream.close()
    }
  })

  it('says what the signal says: before, while it waits for headers, while a body comes', async () => {
    let closed = 0
    upstream = await listen((request, response) => {
      response.on('close', () => {
        closed += 1
      })
      if (request.url === '/body') response.write('a')
    })
    const reason = new Error('enough')
    await expect(ask(upstream.url, { ...manual, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
    for (const path of ['/hang', '/body']) {
      const controller = new AbortController()
      const asked = ask(upstream.url + path, { ...manual, signal: controller.signal })
      if (path === '/hang') {
        setTimeout(() => controller.abort(reason), 30)
        await expect(asked).rejects.toBe(reason)
      } else {
        const reading = (await asked).arrayBuffer()
        controller.abort(reason)
        await expect(reading).rejects.toThrow()
      }
    }
    await expect.poll(() => closed).toBe(2)
  })

  it('takes no more from the upstream than the reader reads', async () => {
    let sent = 0
    upstream = await listen((_request, response) => {
      const more = (): void => {
        while (sent < 64 * 1024 ** 2 && !response.destroyed) {
          sent += 65_536
          if (!response.write(Buffer.alloc(65_536))) return void response.once('drain', more)
        }
        response.end()
      }
      more()
    })
    const answer = await ask(upstream.url, manual)
    const reader = answer.body?.getReader()
    await reader?.read()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(sent).toBeLessThan(24 * 1024 ** 2)
    await reader?.cancel()
  })

  it('refuses what nobody answers', async () => {
    upstream = await listen(() => {})
    const { url } = upstream
    await upstream.close()
    await expect(ask(url, manual)).rejects.toThrow()
  })
})

describe('the dispatcher', () => {
  it('outlives an upstream that closes the connection while the reader is slow', async () => {
    const bytes = 4 * 1024 ** 2
    upstream = await listenRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\nConnection: close\r\n\r\n`)
      socket.end(Buffer.alloc(bytes, 7))
    })
    const answer = await dispatched(upstream.url, manual)
    const reader = answer.body?.getReader()
    let seen = 0
    for (let piece = await reader?.read(); piece?.value; piece = await reader?.read()) {
      seen += piece.value.byteLength
      // So that the end is there long before it is wanted.
      if (seen < bytes / 2) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect(seen).toBe(bytes)
  })

  it('mixes no headers of answers whose heads come in pieces on sockets that are read into the same memory', async () => {
    upstream = await listenRaw(async (socket) => {
      const name = `file-${socket.remotePort}`
      const head = `HTTP/1.1 200 OK\r\nX-Name: ${name}\r\nETag: "${name}"\r\nContent-Length: ${name.length}\r\n\r\n`
      // Ends within names, within values, and between them.
      for (const piece of head.match(/.{1,7}/gs) ?? []) {
        socket.write(piece)
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
      socket.write(name)
    })
    const { url } = upstream
    const answers = Array.from({ length: 8 }, async () => {
      const answer = await dispatched(url, manual)
      return [answer.headers.get('x-name'), answer.headers.get('etag'), await answer.text()]
    })
    for (const [name, etag, text] of await Promise.all(answers)) {
      expect([name, etag]).toEqual([text, `"${text}"`])
    }
  })

  it('mixes no bytes of slow and fast readers, whose sockets are read into the same memory', async () => {
    const bytes = 3 * 1024 ** 2
    let connections = 0
    const seen = new Set<object>()
    upstream = await listen(({ url, socket }, response) => {
      if (!seen.has(socket)) connections += 1
      seen.add(socket)
      response.end(patternOf(Number(url?.slice(1)), bytes))
    })
    const { fetch: ask, close } = createDispatchFetch({ fetch })
    const { url } = upstream
    async function download(file: number): Promise<string> {
      const answer = await ask(`${url}/${file}`, manual)
      const reader = sourceOf(answer)?.bytes
      const got = createHash('sha256')
      for (let piece = await reader?.read(); piece; piece = await reader?.read()) {
        if (file % 2 === 1) await new Promise((resolve) => setTimeout(resolve, file))
        got.update(piece)
      }
      return got.digest('hex')
    }
    // In the second round the connections that were stopped for slow readers serve others.
    for (const files of [
      [0, 1, 2, 3, 5],
      [10, 11, 12, 13, 15],
    ]) {
      const want = files.map((file) =>
        createHash('sha256').update(patternOf(file, bytes)).digest('hex'),
      )
      expect(await Promise.all(files.map(download))).toEqual(want)
    }
    expect(connections).toBe(5)
    await close()
  })
})

function patternOf(file: number, bytes: number): Buffer {
  return Buffer.from(Uint32Array.from({ length: bytes / 4 }, (_, at) => at * 256 + file).buffer)
}
