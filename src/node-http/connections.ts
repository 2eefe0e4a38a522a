/**
 * Follows the connections of a Node server, so that it can end without cutting an answer.
 *
 * @module
 */

import type { Server, ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'

// Node accepts one connection in each turn of the event loop. The limit ends the wait on a server that is never idle.
const mostTurns = 200

/** Ends a server in steps. */
export interface Connections {
  /** From now on, each answer closes its connection. */
  leave(): void
  /**
   * Stops listening; resolves when no connection is left.
   *
   * @param isGentle leaves idle connections to the keep-alive timeout that their clients know, since a request may be on
   *   its way on each; otherwise they end at once
   */
  close(isGentle?: boolean): Promise<void>
  /** Breaks the connections that are left. */
  cut(): void
  /** Whether an answer on a connection has begun and not ended. */
  isAnswering(socket: Duplex): boolean
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
  let accepted = 0

  server.on('connection', (socket) => {
    accepted += 1
    open.set(socket, { answers: new Set(), idleAt: 0 })
    socket.once('close', () => open.delete(socket))
  })

  // Before the handler, which may write the head at once.
  server.prependListener('request', ({ socket }, res) => {
    const connection = open.get(socket)
    if (connection === undefined) return
    connection.answers.add(res)
    if (isLeaving) {
      socket.setTimeout(0)
      endConnectionAfter(res)
    }
    // Emitted when the last byte has left this process, and when the client leaves.
    res.once('close', () => {
      connection.answers.delete(res)
      connection.idleAt = socket.bytesRead
      if (isClosing) endIfIdle(socket, connection)
    })
  })

  /** Waits until no connection waits to be accepted: the kernel resets those that wait when the server stops listening. */
  async function acceptWaiting(): Promise<void> {
    for (let turns = 0, before = -1; before !== accepted && turns < mostTurns; turns += 1) {
      before = accepted
      await nextTurn()
      await nextTurn()
    }
  }

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
    async close(isGentle = false) {
      isClosing = !isGentle
      if (isGentle) await acceptWaiting()
      await new Promise<void>((resolve) => {
        // The close() of node:http destroys connections whose answer has ended but is not sent yet.
        NetServer.prototype.close.call(server, () => resolve())
        if (isGentle) {
          // Node ends connections that are idle again after this time, but not those without any request so far.
          for (const [socket, { answers, idleAt }] of open) {
            if (idleAt === 0 && answers.size === 0) socket.setTimeout(server.keepAliveTimeout)
          }
          return
        }
        endIdle(({ idleAt }) => idleAt > 0)
        // A connection that was just accepted may have a request that was not read yet.
        setImmediate(() => setImmediate(endIdle))
      })
    },
    cut() {
      for (const socket of open.keys()) socket.destroy()
    },
    isAnswering(socket) {
      const answers = (open as ReadonlyMap<Duplex, Connection>).get(socket)?.answers ?? []
      return [...answers].some(({ headersSent }) => headersSent)
    },
  }
}

function endConnectionAfter(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('connection', 'close')
}

function endIfIdle(socket: Socket, { answers, idleAt }: Connection): void {
  if (answers.size === 0 && socket.bytesRead === idleAt) socket.destroySoon()
}
