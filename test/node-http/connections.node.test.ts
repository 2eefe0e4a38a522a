import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { type Connections, followConnections } from '../../src/node-http/connections.ts'

interface Opened extends Connections {
  /** A client that has sent this and reads nothing yet. */
  client(sent: string): Promise<Socket>
}

async function open(handler: RequestListener): Promise<Opened> {
  const server = createServer(handler)
  const connections = followConnections(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    connections.cut()
    server.close()
  })
  return {
    ...connections,
    async client(sent) {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(sent)
      await new Promise((resolve) => socket.once('connect', resolve))
      return socket
    },
  }
}

/** Reads to the end of a connection. */
async function readAll(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = []
  socket.on('data', (piece) => pieces.push(piece))
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
  return Buffer.concat(pieces)
}

const request = 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'

it('delivers an answer to its last byte that had ended, but not left the process, when the server closed', async () => {
  const body = Buffer.alloc(8_000_000)
  let requests = 0
  const server = await open((_, res) => {
    requests += 1
    res.end(body)
  })
  const clients = await Promise.all(Array.from({ length: 4 }, () => server.client(request)))
  await expect.poll(() => requests).toBe(4)
  const closed = server.close()
  for (const text of await Promise.all(clients.map(readAll))) {
    expect(text.byteLength).toBeGreaterThan(body.byteLength)
  }
  await closed
})

it('ends idle connections at once, and one that has begun a request after its answer', async () => {
  const server = await open((_, res) => void res.end('done'))
  const unused = await server.client('')
  const kept = await server.client(request)
  const begun = await server.client(request.slice(0, 20))
  await new Promise((resolve) => kept.once('readable', resolve))
  await sleep(50)
  server.leave()
  const closed = server.close()
  expect((await readAll(unused)).byteLength).toBe(0)
  expect(String(await readAll(kept))).toMatch(/^HTTP\/1.1 200 .*connection: keep-alive.*done$/is)
  begun.write(request.slice(20))
  expect(String(await readAll(begun))).toMatch(/^HTTP\/1.1 200 .*connection: close.*done$/is)
  await closed
})

it('answers a request that was on its way on an idle connection when the server stopped listening gently', async () => {
  const server = await open((_, res) => void res.end('done'))
  const kept = await server.client(request)
  await new Promise((resolve) => kept.once('readable', resolve))
  server.leave()
  const closed = server.close(true)
  await sleep(100)
  kept.write(request)
  expect(String(await readAll(kept))).toMatch(/keep-alive.*done.*connection: close.*done$/is)
  await closed
})

it('accepts and answers the connections that wait when the server stops listening gently', async () => {
  const server = await open((_, res) => void res.end('done'))
  server.leave()
  const waiting = Array.from({ length: 50 }, () => server.client(request))
  const clients = await Promise.all(waiting)
  const closed = server.close(true)
  for (const text of await Promise.all(clients.map(readAll))) {
    expect(String(text)).toMatch(/connection: close.*done$/is)
  }
  await closed
})

it('ends the connection of an answer whose head was not sent yet when the server began to shut down', async () => {
  let finish = (): void => {}
  const server = await open((_, res) => {
    finish = () => void res.end('done')
  })
  const client = await server.client(request)
  await sleep(50)
  server.leave()
  finish()
  expect(String(await readAll(client))).toMatch(/connection: close.*done$/is)
})

it('breaks what is left when it is cut', async () => {
  const server = await open((_, res) => void res.write('never ends'))
  const client = await server.client(request)
  await new Promise((resolve) => client.once('readable', resolve))
  const closed = server.close()
  server.cut()
  await closed
  expect(String(await readAll(client))).not.toMatch(/0\r\n\r\n$/)
})
