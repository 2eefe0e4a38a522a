/**
 * Runs programs as child processes.
 *
 * @module
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Root of the repository. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url))

/** A program that ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A program that runs. */
export interface Child {
  /** The first URL that it printed, without a trailing slash. */
  readonly url: string
  readonly pid: number | undefined
  /** Its output so far. */
  output(): string
  /** Sends a signal. */
  kill(signal?: NodeJS.Signals): void
  /** Resolves when it has ended. */
  readonly ended: Promise<Ended>
  /** Kills it. */
  stop(): Promise<void>
}

/** Settings of this machine must not reach the programs under test. */
export function environment(env: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) =>
      !/^(?:AZURE_|CFILE_|AWS_|HOST$|PORT$|LOG_|NODE_OPTIONS$|NODE_ENV$|TEST$|VITEST)/.test(name),
  )
  return { ...Object.fromEntries(own), ...env }
}

/** Options of {@link run} and {@link start}. */
export interface ChildOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  readonly stdin?: string
}

/** Runs a program to its end. */
export function run(
  command: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<Ended> {
  return follow(spawnChild(command, args, options)).ended
}

/** Starts a program that serves, and waits for the URL that it prints. */
export async function start(
  command: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<Child> {
  const child = spawnChild(command, args, options)
  const { ended, seen } = follow(child)
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const [found] = /https?:\/\/(?:127\.0\.0\.1|localhost):\d+/.exec(seen.stdout) ?? []
      if (found !== undefined) resolve(found)
    }
    child.stdout?.on('data', look)
    ended.then(({ code, stdout, stderr }) =>
      reject(new Error(`${command} ended with ${code} before it served:\n${stdout}${stderr}`)),
    )
  })
  return {
    url,
    pid: child.pid,
    ended,
    output: () => seen.stdout + seen.stderr,
    kill: (signal = 'SIGTERM') => void child.kill(signal),
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Runs `cfile` from the sources. */
export function cfile(args: readonly string[], options: ChildOptions = {}): Promise<Ended> {
  return run(process.execPath, [`${root}src/cli.ts`, ...args], options)
}

/** Starts `cfile serve` on a free port. */
export function startServer(env: ChildOptions['env'] = {}): Promise<Child> {
  return start(process.execPath, [`${root}src/cli.ts`, 'serve'], { env: { PORT: '0', ...env } })
}

function spawnChild(
  command: string,
  args: readonly string[],
  { env = {}, cwd = root, stdin }: ChildOptions,
): ChildProcess {
  const child = spawn(command, args, {
    cwd,
    env: environment(env),
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  child.stdin?.end(stdin)
  return child
}

function follow(child: ChildProcess): {
  ended: Promise<Ended>
  seen: { stdout: string; stderr: string }
} {
  const seen = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    seen.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    seen.stderr += text
  })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...seen }))
  return { ended, seen }
}

/** Options of `expect.poll` with patience for a busy machine. */
export const patient = { timeout: 20_000 } as const

/** Whether a server accepts connections. */
export function isOpen({ url }: Child): Promise<boolean> {
  return fetch(`${url}/healthz`).then(
    () => true,
    () => false,
  )
}
