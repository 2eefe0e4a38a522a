/**
 * Finds the programs that end-to-end tests need, and skips the tests of a missing one by name.
 *
 * @module
 */

import { accessSync, constants } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'

/** A program that a test may need. */
export type Engine =
  | 'redis-server'
  | 'azurite-blob'
  | 's3rver'
  | 'chromium'
  | 'nginx'
  | 'node'
  | 'node-22'
  | 'bun'
  | 'deno'
  | 'wrangler'
  | 'curl'
  | 'wget'
  | 'unzip'
  | 'python3'
  | 'promtool'

/** The repository. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url))

// Debian keeps nginx where a user's PATH does not lead.
const folders = [
  join(root, 'test/e2e/node_modules/.bin'),
  join(root, 'node_modules/.bin'),
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/sbin',
]

/** Where an engine is; `undefined` where it is not installed. */
export function findEngine(name: Engine): string | undefined {
  if (name === 'node') return process.execPath
  // In a folder of its own, or the programs of the other tests would run on it.
  if (name === 'node-22')
    return [join(root, 'test/e2e/node-22/node_modules/.bin/node')].find(isExecutable)
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/** The paths of engines, in the order of their names. */
type Paths<Names extends readonly Engine[]> = { readonly [Index in keyof Names]: string }

/**
 * `describe`, with the paths of the engines that the tests need. Where one is missing the tests count as skipped, and
 * the title says for want of what; they never count as passed.
 *
 * @example
 * describeWith(['redis-server'], 'the Redis store', (redis) => { … })
 */
export function describeWith<const Names extends readonly Engine[]>(
  names: Names,
  title: string,
  body: (...paths: Paths<Names>) => void,
): void {
  const paths = names.map((name) => findEngine(name) ?? '')
  const missing = names.filter((_, index) => paths[index] === '')
  const want = missing.length === 0 ? '' : ` (skipped: no ${missing.join(', no ')})`
  if (want !== '') process.stdout.write(`${title}${want}\n`)
  describe.skipIf(missing.length > 0)(title + want, () => body(...(paths as Paths<Names>)))
}

/** A port of loopback that nobody listens on. */
export function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
