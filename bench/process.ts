/** Runs a process on one core, and measures its CPU time and memory. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'

export const root: string = new URL('..', import.meta.url).pathname

export interface Measured {
  readonly pid: number
  /** User and system CPU time in seconds since the start. */
  cpu(): number
  /** Resident memory in bytes. */
  rss(): number
  stop(): Promise<void>
}

export interface StartOptions {
  readonly port: number
  /** @default 0 */
  readonly core?: number
  readonly env?: Readonly<Record<string, string>>
  /** The folder to run in. @default the root of this checkout */
  readonly cwd?: string
}

/** Starts a command on a core and waits until it listens. */
export async function start(
  command: readonly string[],
  { core = 0, port, env = {}, cwd = root }: StartOptions,
): Promise<Measured> {
  const child = spawn('taskset', ['-c', String(core), ...command], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await listening(port, child)
  const pid = child.pid ?? 0
  return {
    pid,
    cpu: () => cpuOf(pid),
    rss: () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024,
    async stop() {
      if (child.exitCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  // In ticks of 10 ms.
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  const end = Date.now() + 20_000
  while (Date.now() < end) {
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode} before it listened`)
    if (await canConnect(port)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing listens at ${port}`)
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Runs a command on core 1. Returns its standard output. */
export async function run(command: readonly string[]): Promise<string> {
  const child = spawn('taskset', ['-c', '1', ...command], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}: ${text}`)
  return text
}
