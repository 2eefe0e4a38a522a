/**
 * Follows the connections of a Node server, so that it can end without cutting an answer.
 *
 * @module
 */

import type { Server, ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'

/** Ends a server in steps. */
export interface Connections {
  /** From now on, each answer closes its connection. */
  leave(): void
  /** Stops listening and ends idle connections; resolves when no connection is left. */
  close(): Promise<void>
  /** Breaks the connections that are left. */
  cut(): void
}

interface Connection {
  /** The answers of which this process still holds bytes. */
  readonly answers: Set<ServerResponse>
  /** Bytes received when the connection was last idle. More of them belong to a request that is still coming. */
  idleAt: number
}

/** Follows the connections of a server that does not listen yet. */
export function followConnections(server: Server): Connections {
  const open = new Map<Socket, Connection>()
  let isLeaving = false
  let isClosing = false

  server.on('connection', (socket) => {
    open.set(socket, { answers: new Set(), idleAt: 0 })
    socket.once('close', () => open.delete(socket))
  })

  // Before the handler, which may write the head at once.
  server.prependListener('request', ({ socket }, res) => {
    const connection = open.get(socket)
    if (connection === undefined) return
    connection.answers.add(res)
    if (isLeaving) endConnectionAfter(res)
    // Emitted when the last byte has left this process, and when the client leaves.
    res.once('close', () => {
      connection.answers.delete(res)
      connection.idleAt = socket.bytesRead
      if (isClosing) endIfIdle(socket, connection)
    })
  })

  function endIdle(isMeant: (connection: Connection) => boolean = () => true): void {
    for (const [socket, connection] of open) {
      if (isMeant(connection)) endIfIdle(socket, connection)
    }
  }

  return {
    leave() {
      isLeaving = true
      for (const { answers } of open.values()) answers.forEach(endConnectionAfter)
    },
    close() {
      isClosing = true
      return new Promise((resolve) => {
        // The close() of node:http destroys connections whose answer has ended but is not sent yet.
        NetServer.prototype.close.call(server, () => resolve())
        endIdle(({ idleAt }) => idleAt > 0)
        // A connection that was just accepted may have a request that was not read yet.
        setImmediate(() => setImmediate(endIdle))
      })
    },
    cut() {
      for (const socket of open.keys()) socket.destroy()
    },
  }
}

function endConnectionAfter(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('connection', 'close')
}

function endIfIdle(socket: Socket, { answers, idleAt }: Connection): void {
  if (answers.size === 0 && socket.bytesRead === idleAt) socket.destroySoon()
}
