/**
 * `cfile` on a pseudo-terminal, as a person runs it.
 *
 * @module
 */

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { environment, root } from '../lib/child.ts'

/** Whether there is a `script` that makes terminals: that of util-linux, the BSDs' takes other options. */
export const hasTerminals: boolean = spawnSync('script', ['--version']).status === 0

/** A terminal with a program on it. */
export interface TerminalOptions {
  readonly columns?: number
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Keys that are pressed when the program has printed a text. */
  readonly press?: { readonly after: RegExp; readonly keys: string }
}

/** Runs `cfile` on a terminal; both output streams end up there. */
export async function inTerminal(
  args: readonly string[],
  { columns = 80, env = {}, cwd = root, press }: TerminalOptions = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  const words = [process.execPath, `${root}src/cli.ts`, ...args]
  const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const command = `stty cols ${columns} rows 24; exec ${line}`
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd,
    env: environment({ SHELL: '/bin/sh', TERM: 'xterm', NO_COLOR: undefined, ...env }),
  })
  let output = ''
  let isPressed = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (press === undefined || isPressed || !press.after.test(output)) return
    isPressed = true
    child.stdin.write(press.keys)
  })
  const [code] = await once(child, 'close')
  return { code, output: output.replaceAll('\r\n', '\n') }
}
