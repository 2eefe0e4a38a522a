/**
 * The doors: how cfile is started as a real process on each runtime.
 */

import { fileURLToPath } from 'node:url'
import { root, start } from '../../lib/child.ts'
import type { Engine } from '../engines.ts'
import { startWorker } from '../worker.ts'

/** A runtime. */
export type Runtime = 'Node 24' | 'Node 22' | 'Bun' | 'Deno' | 'workerd'

/** How one runtime serves cfile. */
export interface Door {
  readonly runtime: Runtime
  /** The program that runs it. */
  readonly engine: Engine
  /** Where records and copies are kept in these tests. */
  readonly storage: string
  /** Starts it; resolves to its URL and what ends it. */
  open(path: string, folder: string, env: Env): Promise<Opened>
}

type Env = Readonly<Record<string, string>>

interface Opened {
  readonly url: string
  stop(): Promise<void>
}

const onDisk = 'SQLite, folder'

function server(runtime: Runtime, engine: Engine, args: readonly string[]): Door {
  return {
    runtime,
    engine,
    storage: onDisk,
    open: (path, folder, env) =>
      start(path, [...args, `${root}src/cli.ts`, 'serve'], {
        env: {
          ...env,
          PORT: '0',
          CFILE_STORE: `sqlite:${folder}/store.db`,
          CFILE_ARCHIVE: `fs:${folder}/archive`,
        },
      }),
  }
}

const worker: Door = {
  runtime: 'workerd',
  engine: 'wrangler',
  storage: 'D1, R2',
  open: (path, folder, env) =>
    startWorker(path, folder, { ...env, CFILE_ARCHIVE: 'r2:FILES_BUCKET' }, [
      '--config',
      fileURLToPath(new URL('wrangler.toml', import.meta.url)),
    ]),
}

export const doors: readonly Door[] = [
  server('Node 24', 'node', []),
  server('Node 22', 'node-22', []),
  server('Bun', 'bun', []),
  server('Deno', 'deno', ['run', '-A', '--no-check', '--quiet']),
  worker,
]
