/**
 * Starts a Redis for one test.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './engines.ts'
import { listening, type Program, start } from './programs.ts'

/** A Redis that runs. */
export interface Redis {
  readonly url: string
  /** Starts it anew after `stop`, with what it held where it keeps that. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Lets it hang, and go on. */
  pause(): void
  resume(): void
  end(): Promise<void>
}

/** Starts a Redis, which keeps over a restart what it holds if that is asked for. */
export async function startRedis(path: string, { keeps = false } = {}): Promise<Redis> {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'cfile-redis-'))
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder]
  if (keeps) args.push('--appendonly', 'yes', '--appendfsync', 'always')
  let program: Program
  const redis: Redis = {
    url: `redis://127.0.0.1:${port}`,
    async start() {
      program = start(path, args)
      await listening(port)
    },
    stop: () => program.end(),
    pause: () => void program.child.kill('SIGSTOP'),
    resume: () => void program.child.kill('SIGCONT'),
    async end() {
      await program.end()
      await rm(folder, { recursive: true, force: true })
    },
  }
  await redis.start()
  return redis
}
