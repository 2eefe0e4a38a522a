/** Frameworks that build an app from the files in a folder here, which has its own packages. */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../engines.ts'
import { listening, start } from '../programs.ts'

/** A framework: its folder, and the arguments of Node that build and start the app. */
export interface Built {
  readonly folder: string
  readonly build: readonly string[]
  readonly serve: (port: number) => readonly string[]
}

export const svelteKit: Built = {
  folder: join(root, 'test/e2e/frameworks/sveltekit'),
  build: ['node_modules/vite/bin/vite.js', 'build'],
  serve: () => ['build/index.js'],
}

const next = 'node_modules/next/dist/bin/next'
export const nextJs: Built = {
  folder: join(root, 'test/e2e/frameworks/next'),
  build: [next, 'build'],
  serve: (port) => [next, 'start', '--hostname', '127.0.0.1', '--port', String(port)],
}

/** Whether the packages of a framework are installed. */
export function isInstalled({ folder }: Built): boolean {
  return existsSync(join(folder, 'node_modules'))
}

/**
 * Builds and starts an app.
 *
 * @param endpoint of the upstream
 * @param port on loopback
 * @returns a function that ends it
 */
export async function serveBuilt(
  { folder, build, serve }: Built,
  endpoint: string,
  port: number,
): Promise<() => Promise<void>> {
  const env = { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' }
  await promisify(execFile)(process.execPath, [...build], { cwd: folder, env })
  const started = {
    HOST: '127.0.0.1',
    PORT: String(port),
    AZURE_OPENAI_ENDPOINT: endpoint,
    CFILE_PUBLIC_URL: `http://127.0.0.1:${port}/ai`,
  }
  const program = start(process.execPath, serve(port), { ...env, ...started }, folder)
  await listening(port)
  return () => program.end()
}
