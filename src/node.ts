/**
 * Entry point for Node: reads the environment, listens, and passes requests to the app.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Socket as NetSocket } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener, type HttpBindings, RequestError } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { CfileError, toCfileError } from './core/errors.ts'
import type { Socket, UpgradeBindings } from './core/http/websocket.ts'
import { createNodeCarrier } from './node-http/answer.ts'
import { followConnections } from './node-http/connections.ts'
import { createDispatchFetch } from './node-http/fetch.ts'
import { nodeHmac } from './node-http/hmac.ts'
import {
  answerOn,
  answerRefused,
  errorAnswer,
  hostError,
  refuse,
  wrongTarget,
  wrongUpgrade,
} from './node-http/refusal.ts'
import { createRespond } from './node-http/respond.ts'
import { answerSwaggerUi } from './node-http/swagger-ui.ts'
import { connectSocket, createAcceptor } from './node-http/websocket.ts'
import { type Runtime, webRuntime } from './runtime.ts'
import { type Answer, type Env, type Platform, type Running, serveOn } from './start/serve.ts'
import { openStorage } from './start/server-storage.ts'

export type { Running } from './start/serve.ts'
export { openStorage } from './start/server-storage.ts'

/** An object that answers requests, such as a Hono app. */
export interface Fetcher {
  fetch(request: Request, env?: object): Response | Promise<Response>
}

/** A request handler for `node:http`, Express and others. */
export interface NodeHandler {
  (req: IncomingMessage, res: ServerResponse): Promise<void>
  /**
   * Serves WebSockets. Attach it to the HTTP server.
   *
   * @example
   * server.on('upgrade', handler.upgrade)
   */
  readonly upgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>
}

/**
 * Creates a handler for `node:http`, Express 4 and 5, and other frameworks that call `(req, res)`.
 *
 * @example
 * express.use('/ai', toNodeHandler(createApp(options)))
 */
export function toNodeHandler(app: Fetcher): NodeHandler {
  const answer: Answer = (request, bindings) => app.fetch(request, bindings)
  const handle = handlerOf(answer)
  const handler = async (req: IncomingMessage, res: ServerResponse) =>
    wasRead(req) ? refuse(res, bodyWasRead(), newId()) : handle(req, res)
  return Object.assign(handler, { upgrade: upgraderOf(answer) })
}

const newId = (): string => crypto.randomUUID()

/** Whether the host has read the body without keeping its bytes, so that it cannot be forwarded unchanged. */
function wasRead(req: IncomingMessage & { readonly rawBody?: unknown }): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = req.headers
  return req.readableDidRead && !req.rawBody && (length !== '0' || coding !== undefined)
}

function bodyWasRead(): CfileError {
  return new CfileError('invalid_request', 'The body was read before the request reached cfile.', {
    hint: 'Mount cfile before express.json() and similar middleware, or make them keep the bytes as req.rawBody.',
  })
}

/**
 * Serves the app with settings from the environment. Without Azure settings it uses the built-in emulator.
 *
 * @throws CfileError `invalid_request` for a wrong setting; the error of `node:net` when the address cannot be used
 */
export function serve(env: Env = process.env): Promise<Running> {
  return serveOn(platform, env)
}

/**
 * Returns Node's faster replacements for web standards, such as a carrier that moves bytes from socket to socket.
 *
 * @example
 * app.use('/ai', toNodeHandler(createApp({ ...nodeRuntime(), …options })))
 */
export function nodeRuntime(): Pick<
  Runtime,
  'fetch' | 'createCarrier' | 'createHmac' | 'connect' | 'answerDocs'
> {
  const { fetch } = createDispatchFetch(webRuntime)
  return {
    fetch,
    createCarrier: createNodeCarrier,
    createHmac: nodeHmac,
    connect: connectSocket,
    answerDocs: answerSwaggerUi,
  }
}

// Bytes of an answer that wait for the kernel. With Node's default of 64 KB, each slow client would hold four times as much.
const mostUnsent = 16 * 1024

const platform: Platform = {
  runtime: nodeRuntime,
  openStorage,
  readFile,
  loadEmulator: async () => (await import('./emulator/emulator.ts')).createEmulator,
  async listen({ host, port }, answer) {
    const options = {
      highWaterMark: mostUnsent,
      // cfile checks it, so that the error has a body.
      requireHostHeader: false,
      // Any other `Upgrade`, such as the h2c of Java's client, is ignored (RFC 9110 §7.8).
      shouldUpgradeCallback: isForWebSocket,
    }
    const server = createServer(options, handlerOf(answer))
    server.on('upgrade', upgraderOf(answer))
    // The default of five minutes is too short for large uploads over slow lines. Headers keep their one minute.
    server.requestTimeout = 0
    const connections = followConnections(server)
    answerRefused(server, connections.isAnswering, newId)
    await listening(server, host, port)
    const address = server.address()
    const isTcp = typeof address === 'object' && address !== null
    return { ...connections, port: isTcp ? address.port : port }
  },
}

/** Creates the upgrade handler. When the app does not accept the WebSocket, its answer is written to the socket. */
function upgraderOf(answer: Answer): NodeHandler['upgrade'] {
  const acceptor = createAcceptor()
  const respond = createRespond()
  return async (req, socket, head) => {
    socket.on('error', () => {})
    let serve: ((opened: Socket) => Promise<void>) | undefined
    const upgrade: UpgradeBindings['upgrade'] = (accepted) => {
      serve = accepted
      return new Response()
    }
    try {
      const response = await answer(upgradeRequest(req), { incoming: req, upgrade })
      if (serve === undefined) return respond(response, answerOn(req, socket))
    } catch (error) {
      return refuse(answerOn(req, socket), toCfileError(error), newId())
    }
    acceptor.accept(req, socket, head, serve)
  }
}

/** Whether a request asks for a WebSocket (RFC 6455 §4.1). */
function isForWebSocket({ method, headers: { upgrade = '' } }: IncomingMessage): boolean {
  return method === 'GET' && /^websocket$/i.test(upgrade)
}

/**
 * Creates the web-standard request for a WebSocket.
 *
 * @throws CfileError `invalid_request` for any other upgrade, and for a wrong host or path
 */
function upgradeRequest(req: IncomingMessage): Request {
  const wrong = hostError(req) ?? (isForWebSocket(req) ? undefined : wrongUpgrade())
  if (wrong !== undefined) throw wrong
  const { url: path = '/', headers } = req
  const url = path.startsWith('/') ? `http://${headers.host ?? 'localhost'}${path}` : path
  if (!URL.canParse(url)) throw wrongTarget()
  const lines = Object.entries(headers).map(([name, value]): [string, string] => [
    name,
    String(value),
  ])
  return new Request(url, { headers: lines })
}

/** Creates the request handler of `node:http`. */
function handlerOf(answer: Answer): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  // The host app may rely on the global Request and Response. A request of HTTP/1.0 may have no host, so it gets one.
  const options = {
    overrideGlobalObjects: false,
    hostname: 'localhost',
    errorHandler: (cause: unknown) =>
      errorAnswer(cause instanceof RequestError ? wrongTarget() : toCfileError(cause), newId()),
  }
  const respond = createRespond()
  const handle = getRequestListener(async (request, bindings) => {
    respond(await answer(request, bindings), (bindings as HttpBindings).outgoing)
    return RESPONSE_ALREADY_SENT
  }, options)
  return async (req, res) => {
    if (isBehindAnother(req, res)) {
      await new Promise<void>((resolve) => res.once('socket', () => resolve()))
    }
    const wrong = hostError(req)
    return wrong === undefined ? handle(req, res) : refuse(res, wrong, newId())
  }
}

/**
 * Whether an earlier answer on the connection has not ended, because the client sent several requests at once. Node would
 * start all of them, but an answer that waits for its turn can't break the connection, and gets no event when it closes.
 */
function isBehindAnother({ socket }: IncomingMessage, res: ServerResponse): boolean {
  // A response that was made without a server never gets a socket.
  return res.socket === null && !res.writableEnded && socket instanceof NetSocket
}

/** Starts to listen. Rejects when the address cannot be used. */
function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
