/**
 * The connection to Redis for `CFILE_STORE=redis://…`, by the package `redis` (node-redis, version 5 or newer).
 *
 * @module
 */

import type * as redis from 'redis'
import { CfileError, reasonOf } from '../core/errors.ts'
import { type Wait, within } from '../core/time.ts'
import type { Log } from '../gateway/gateway.ts'
import type { RedisClient } from '../stores/redis.ts'

/** A client that reconnects by itself, and rejects commands at once while it is not connected. */
export interface RedisConnection {
  readonly client: RedisClient
  close(): Promise<void>
}

const connectMs = 5000
const commandMs = 5000
const startMs = 2000
const longestPauseMs = 2000
const pauseAfter = (tries: number): number => Math.min(50 * 2 ** tries, longestPauseMs)

/**
 * Connects, and waits up to two seconds for the connection. A Redis that is down does not stop the start.
 *
 * @param url value of `CFILE_STORE`; may contain a password
 * @throws CfileError `invalid_request` if the package is not installed
 */
export async function openRedis(
  url: string,
  { wait, log }: { readonly wait: Wait; readonly log: Log },
): Promise<RedisConnection> {
  const { createClient } = await loadPackage()
  const client = createClient({
    url,
    // A queued command, and its request, would wait until Redis is back.
    disableOfflineQueue: true,
    socket: { connectTimeout: connectMs, reconnectStrategy: pauseAfter },
  })
  let isDown = false
  client.on('error', (error) => {
    if (!isDown) log('error', 'Redis does not answer; it is tried again and again.', faultOf(error))
    isDown = true
  })
  const ready = new Promise<void>((resolve) => {
    client.once('ready', resolve)
  })
  client.connect().catch(() => {})
  await Promise.race([ready, wait(startMs)])
  return { client: withTimeout(client, wait), close: async () => client.destroy() }
}

function faultOf(error: unknown) {
  const cause = reasonOf(error)
  const isRefused = /NOAUTH|WRONGPASS|NOPERM|password/i.test(`${cause} ${error}`)
  const hint = isRefused
    ? 'Check the user name and password in CFILE_STORE.'
    : 'Check host, port and redis: or rediss: in CFILE_STORE, and that this machine may connect to it.'
  return { setting: 'CFILE_STORE', cause, hint }
}

/** A Redis that hangs keeps its connection open, so each command has a limit of its own. */
function withTimeout(client: RedisClient, wait: Wait): RedisClient {
  return {
    sendCommand: (args) => within(wait, commandMs, undefined, () => client.sendCommand(args)),
  }
}

async function loadPackage(): Promise<typeof redis> {
  try {
    return await import('redis')
  } catch (cause) {
    throw new CfileError(
      'invalid_request',
      'CFILE_STORE is redis:, but the package is not installed: npm install redis.',
      { param: 'CFILE_STORE', cause },
    )
  }
}
