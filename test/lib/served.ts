/**
 * Apps on real sockets of the loopback interface.
 */

import { onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { createEmulator, type EmulatorOptions } from '../../src/emulator/emulator.ts'
import { type Fetcher, toNodeHandler } from '../../src/node.ts'
import type { AppOptions } from '../../src/options.ts'
import type { Harness } from './harness.ts'
import { listen } from './upstream.ts'

export interface Served {
  /** Without a trailing slash. */
  readonly url: string
  close(): Promise<void>
}

/** Listens on a free port. */
export async function serveApp(app: Fetcher): Promise<Served> {
  const handler = toNodeHandler(app)
  return listen((request, response) => void handler(request, response))
}

/** Serves the gateway of a harness on a socket until the test ends. */
export async function overHttp<T extends Harness>(harness: T): Promise<T> {
  const { url, close } = await serveApp(harness.app)
  onTestFinished(close)
  return { ...harness, ask: (path, init) => fetch(url + path, init) }
}

export interface ServedPair {
  readonly gateway: string
  readonly emulator: string
  close(): Promise<void>
}

/** A gateway before an emulator, each on its own socket. */
export async function servePair(
  options: Partial<AppOptions> = {},
  emulation: EmulatorOptions = {},
): Promise<ServedPair> {
  const emulator = await serveApp(createEmulator(emulation))
  const upstreams = [{ endpoint: emulator.url, credential: apiKey('a-secret-key') }]
  const gateway = await serveApp(createApp({ upstreams, ...options }))
  return {
    gateway: gateway.url,
    emulator: emulator.url,
    async close() {
      await gateway.close()
      await emulator.close()
    },
  }
}
