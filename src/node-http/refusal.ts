/**
 * Requests that the app does not get, because Node's parser or this gateway refuses them: answers in the form of all
 * other errors.
 *
 * @module
 */

import { type IncomingMessage, type Server, ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { CfileError, toErrorBody } from '../core/errors.ts'

/** Answers a request that the app does not get. */
export function refuse(res: ServerResponse, error: CfileError, requestId: string): void {
  const { headers, body } = write(error, requestId)
  res.writeHead(error.status, headers).end(body)
}

/** The same answer in the form of web standards. */
export function errorAnswer(error: CfileError, requestId: string): Response {
  const { headers, body } = write(error, requestId)
  return new Response(body, { status: error.status, headers })
}

/** An answer to a request that has taken over its socket, such as one with `Upgrade`. It ends the connection. */
export function answerOn(req: IncomingMessage, socket: Duplex): ServerResponse {
  const outgoing = new ServerResponse(req)
  outgoing.assignSocket(socket as Socket)
  outgoing.setHeader('connection', 'close')
  outgoing.once('finish', () => socket.end())
  return outgoing
}

/**
 * The error for a request that names several hosts, or none in HTTP/1.1; `undefined` for all others. Node reads the
 * first of several.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2
 */
export function hostError({ rawHeaders, httpVersion }: IncomingMessage): CfileError | undefined {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  if (hosts === 1 || (hosts === 0 && httpVersion !== '1.1')) return undefined
  const what = hosts === 0 ? 'no Host header' : 'more than one Host header'
  return new CfileError('invalid_request', `The request has ${what}.`, {
    hint: 'Send one Host header.',
    headers: { connection: 'close' },
  })
}

/** The error for a request whose host or path cannot be read. */
export function wrongTarget(): CfileError {
  return new CfileError('invalid_request', 'The host or the path of the request is malformed.', {
    hint: 'Name one host, and a path that begins with "/".',
  })
}

/**
 * The answer to a request of web standards whose host is none; `undefined` for all others. Bun and Deno join several
 * hosts with commas.
 *
 * @param requestId id for the answer
 */
export function refuseHost({ headers }: Request, requestId: string): Response | undefined {
  if (/^[^\s,/?#@]*$/.test(headers.get('host') ?? '')) return undefined
  return errorAnswer(wrongTarget(), requestId)
}

/** The error for an upgrade to another protocol than WebSocket. */
export function wrongUpgrade(): CfileError {
  return new CfileError('invalid_request', 'Only WebSockets are served with Upgrade.', {
    hint: 'Send the request without Upgrade.',
  })
}

/**
 * Answers requests that Node's parser refuses, and CONNECT.
 *
 * @param isAnswering whether an answer on a connection has begun, so that other bytes would damage it
 * @param newId creates the id of a request
 */
export function answerRefused(
  server: Server,
  isAnswering: (socket: Duplex) => boolean,
  newId: () => string,
): void {
  server.on('connect', (req, socket) => {
    socket.on('error', () => {})
    refuse(answerOn(req, socket), wrongMethod('CONNECT'), newId())
  })
  server.on('clientError', (cause: ParserError, socket) => {
    if (!socket.writable || isAnswering(socket)) return void socket.destroy()
    const { error, status = error.status } = toRefusal(cause)
    const { headers, body } = write(error, newId())
    const lines = Object.entries({ ...headers, connection: 'close' }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n`
    socket.end(head + body, () => socket.destroy())
  })
}

/** An error of Node's HTTP parser. */
interface ParserError extends NodeJS.ErrnoException {
  /** The received bytes, and the position of the wrong one. */
  readonly rawPacket?: Buffer
  readonly bytesParsed?: number
}

/** The answer to a parser error. Some have statuses without a code of their own. */
function toRefusal(cause: ParserError): { readonly error: CfileError; readonly status?: number } {
  const { code } = cause
  const method = code === 'HPE_INVALID_METHOD' ? methodOf(cause) : undefined
  if (method !== undefined) return { error: wrongMethod(method) }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return { status: 431, error: refused('The headers are larger than 16 KB.') }
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: 408, error: refused('The headers took too long to arrive.') }
  }
  if (code !== 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return { error: refused('This is no HTTP request.') }
  return { error: new CfileError('payload_too_large', 'The chunk extensions are too large.') }
}

function refused(message: string): CfileError {
  return new CfileError('invalid_request', message, { hint: 'Send HTTP/1.1 as RFC 9112 says.' })
}

/** The method of a request line that is well-formed except for the method. */
function methodOf({ rawPacket, bytesParsed = 0 }: ParserError): string | undefined {
  const text = rawPacket?.toString('latin1') ?? ''
  const line = text.slice(text.lastIndexOf('\n', bytesParsed) + 1, bytesParsed + 8192)
  return /^([!#$%&'*+.^_`|~\w-]{1,32}) [\x21-\x7e]+ HTTP\/1\.[01]\r\n/.exec(line)?.[1]
}

const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

function wrongMethod(method: string): CfileError {
  return new CfileError('method_not_allowed', `${method} is not served here, only ${methods}.`, {
    headers: { allow: methods },
  })
}

/** The headers and the body of an error. */
function write(
  error: CfileError,
  requestId: string,
): {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
} {
  const body = JSON.stringify(toErrorBody(error, requestId))
  const headers = {
    ...error.details.headers,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'x-request-id': requestId,
  }
  return { headers, body }
}
