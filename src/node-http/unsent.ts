/**
 * How far a client has come with an answer, as the kernel sees it.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

/**
 * A value that changes while the client takes bytes. The kernel buffers up to 4 MB of a connection, and a socket that waits
 * can be written again only when a third of that is free: a slow client would look like one that stands still. So the
 * bytes that the client has not acknowledged count too, which Linux lists in `/proc/net/tcp`.
 */
export async function progressOf(socket: Socket): Promise<string> {
  const { bytesWritten, writableLength, localPort = 0, remotePort = 0 } = socket
  const tables = await Promise.all(['tcp', 'tcp6'].map(readTable))
  const ports = new RegExp(
    `^ *\\d+: [0-9A-F]+:${toHex(localPort)} [0-9A-F]+:${toHex(remotePort)} [0-9A-F]+ ([0-9A-F]+):`,
    'gm',
  )
  const unacknowledged = tables.flatMap((table) => Array.from(table.matchAll(ports), ([, n]) => n))
  return `${bytesWritten - writableLength} ${unacknowledged}`
}

/** Empty where there is no such table: then progress shows only in larger steps. */
function readTable(name: string): Promise<string> {
  return readFile(`/proc/net/${name}`, 'latin1').catch(() => '')
}

function toHex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0')
}
