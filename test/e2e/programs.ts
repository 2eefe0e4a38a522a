/**
 * Starts programs for tests, and stops them.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A program that runs. */
export interface Program {
  readonly child: ChildProcess
  /** What it printed so far. */
  output(): string
  /** Ends it, and resolves when it is gone. */
  end(signal?: NodeJS.Signals): Promise<void>
}

/** Starts a program. */
export function start(
  path: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  cwd?: string,
): Program {
  const child = spawn(path, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return {
    child,
    output: () => output,
    end(signal = 'SIGKILL') {
      child.kill(signal)
      return ended
    },
  }
}

/** Resolves when somebody listens on a port of loopback. */
export async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
      socket.once('close', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (isThere) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`Nobody listens on ${port}.`)
}

/** A folder that is gone when the test is. */
export async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cfile-e2e-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
