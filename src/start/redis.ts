/**
 * A connection to Redis by the package that is installed: `redis`, else `ioredis`.
 *
 * @module
 */

import { CfileError, reasonOf } from '../core/errors.ts'
import { type Wait, within } from '../core/time.ts'
import type { Log } from '../gateway/gateway.ts'
import type { IoredisClient, NodeRedisClient } from '../stores/redis.ts'

/** A client that connects again by itself, and refuses commands at once while it is not connected. */
export interface RedisConnection {
  readonly client: NodeRedisClient | IoredisClient
  close(): Promise<void>
}

interface Emitter {
  on(event: 'error', listener: (error: unknown) => void): unknown
  once(event: 'ready', listener: () => void): unknown
}

interface RedisPackage {
  createClient(
    options: object,
  ): NodeRedisClient &
    Emitter & { connect(): Promise<unknown>; destroy?(): void; disconnect?(): Promise<void> }
}

interface IoredisPackage {
  readonly default: new (
    url: string,
    options: object,
  ) => IoredisClient & Emitter & { disconnect(): void }
}

const connectMs = 5000
const commandMs = 5000
const startMs = 2000
const longestPauseMs = 2000
const pauseAfter = (tries: number): number => Math.min(50 * 2 ** tries, longestPauseMs)

/**
 * Connects, and waits a moment for the connection; a Redis that is down is no reason not to start.
 *
 * @throws CfileError `invalid_request` where neither package is installed
 */
export async function openRedis(
  url: string,
  { wait, log }: { readonly wait: Wait; readonly log: Log },
): Promise<RedisConnection> {
  const open = await findPackage()
  const { connection, emitter } = open(url)
  let isDown = false
  emitter.on('error', (error) => {
    if (!isDown) log('error', 'Redis does not answer; it is tried again and again.', faultOf(error))
    isDown = true
  })
  const ready = new Promise<void>((resolve) => {
    emitter.once('ready', resolve)
  })
  connection.start()
  await Promise.race([ready, wait(startMs)])
  return { ...connection, client: impatient(connection.client, wait) }
}

function faultOf(error: unknown) {
  const cause = reasonOf(error)
  const isRefused = /NOAUTH|WRONGPASS|NOPERM|password/i.test(`${cause} ${error}`)
  const hint = isRefused
    ? 'Check the user name and password in CFILE_STORE.'
    : 'Check host, port and redis: or rediss: in CFILE_STORE, and that this machine may connect to it.'
  return { setting: 'CFILE_STORE', cause, hint }
}

/** A Redis that hangs keeps its connection, and would hold up whoever asks. */
function impatient(client: RedisConnection['client'], wait: Wait): NodeRedisClient {
  const send = (args: string[]): Promise<unknown> =>
    'call' in client ? client.call(...(args as [string])) : client.sendCommand(args)
  return { sendCommand: (args) => within(wait, commandMs, undefined, () => send(args)) }
}

interface Opened {
  readonly connection: RedisConnection & { start(): void }
  readonly emitter: Emitter
}

async function findPackage(): Promise<(url: string) => Opened> {
  const redis = (await import('redis').catch(() => undefined)) as unknown as
    | RedisPackage
    | undefined
  if (redis !== undefined) return (url) => openNodeRedis(redis, url)
  // @ts-expect-error: nobody has to install it
  const ioredis = (await import('ioredis').catch(() => undefined)) as IoredisPackage | undefined
  if (ioredis !== undefined) return (url) => openIoredis(ioredis, url)
  throw new CfileError(
    'invalid_request',
    'CFILE_STORE is redis:, but no client is installed: npm install redis.',
    { param: 'CFILE_STORE' },
  )
}

function openNodeRedis({ createClient }: RedisPackage, url: string): Opened {
  const client = createClient({
    url,
    // A command that waits for the connection would wait for ever, and with it the request that needs it.
    disableOfflineQueue: true,
    socket: { connectTimeout: connectMs, reconnectStrategy: pauseAfter },
  })
  return {
    emitter: client,
    connection: {
      client,
      start: () => void client.connect().catch(() => {}),
      async close() {
        client.destroy ? client.destroy() : await client.disconnect?.()
      },
    },
  }
}

function openIoredis({ default: Redis }: IoredisPackage, url: string): Opened {
  const client = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    connectTimeout: connectMs,
    retryStrategy: pauseAfter,
  })
  return {
    emitter: client,
    connection: { client, start() {}, close: async () => client.disconnect() },
  }
}
