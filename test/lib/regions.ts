/**
 * A gateway before several emulated resources, each with its own things.
 */

import type { Hono } from 'hono'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import type { AppOptions, UpstreamOptions } from '../../src/options.ts'

export interface Region extends Partial<UpstreamOptions> {
  readonly name: string
}

export interface Regions {
  readonly app: Hono
  readonly emulators: Readonly<Record<string, Hono>>
  ask(path: string, init?: RequestInit): Promise<Response>
  /** Sends a request to a region directly, below `/openai/v1`. */
  upstream(name: string, path: string, init?: RequestInit): Promise<Response>
  /** Refuses all connections to a region from now on, or accepts them again. */
  cut(name: string, isCut?: boolean): void
  fault(name: string, fault: object): Promise<void>
  /** Requests that reached a region since the last call. */
  requests(name: string): Promise<{ method: string; path: string; query: string; body?: string }[]>
  advance(seconds: number): void
}

export function openRegions(
  regions: readonly Region[],
  options: Partial<AppOptions> = {},
): Regions {
  let time = 1_790_000_000
  const now = () => time
  const cut = new Set<string>()
  const emulators = Object.fromEntries(
    regions.map(({ name, models }) => [name, createEmulator({ now, models })]),
  )
  const emulator = (name: string): Hono => {
    const found = emulators[name]
    if (found === undefined) throw new Error(`no region ${name}`)
    return found
  }
  const upstreams = regions.map((region) => ({
    endpoint: `http://${region.name}.localhost`,
    credential: apiKey(`key-of-${region.name}`),
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      if (!cut.has(region.name)) return emulator(region.name).fetch(new Request(input, init))
      throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } })
    },
    ...region,
  }))
  const app = createApp({ now, upstreams, ...options })
  return {
    app,
    emulators,
    ask: async (path, init) => app.request(path, init),
    upstream: async (name, path, init) => emulator(name).request(`/openai/v1${path}`, init),
    cut(name, isCut = true) {
      if (isCut) cut.add(name)
      else cut.delete(name)
    },
    async fault(name, fault) {
      await emulator(name).request('/emulator/faults', {
        method: 'POST',
        body: JSON.stringify(fault),
      })
    },
    async requests(name) {
      const seen = (await (await emulator(name).request('/emulator/requests')).json()) as {
        data: { method: string; path: string; query: string; body?: string }[]
      }
      await emulator(name).request('/emulator/requests', { method: 'DELETE' })
      return seen.data
    },
    advance(seconds) {
      time += seconds
    },
  }
}
