/**
 * `cfile serve`: runs the server until a signal ends it.
 *
 * @module
 */

import { once } from 'node:events'
import { settingsHelp } from '../start/settings/help.ts'
import { type Command, defineCommand, print, type Terminal } from './command.ts'

/** `cfile serve` */
export const serveCommand: Command = defineCommand({
  name: 'serve',
  usage: '',
  summary: 'Start the gateway',
  details:
    'All settings are environment variables. cfile doctor tries them. Without AZURE_OPENAI_ENDPOINT the gateway runs on its built-in emulator.\nSIGTERM or Ctrl-C stops it when the downloads under way have finished, a second signal at once.',
  options: {},
  settings: settingsHelp,
  examples: [
    ['Try it without Azure', 'serve'],
    [
      'The settings most servers need',
      'serve   # AZURE_OPENAI_ENDPOINT, CFILE_API_KEYS, HOST, PORT',
    ],
  ],
  takes: 'none',
  isServer: true,
  run: ({ values }, terminal) => serveUntilSignal(terminal, values.json),
})

/** Serves until SIGTERM or SIGINT, then waits for running downloads. A second signal ends them. */
async function serveUntilSignal(terminal: Terminal, json?: boolean): Promise<number> {
  const { serve } = await loadDoor()
  const { url, emulated, close } = await serve()
  // Before the output, since a script may send the signal as soon as it has read the URL.
  const firstSignal = nextSignal()
  const note = emulated
    ? ' on its built-in emulator, not on Azure: set AZURE_OPENAI_ENDPOINT for the real thing.'
    : ''
  const value = { url, emulated }
  print(terminal, { json, value, text: () => `cfile at ${url}${note}` })
  await firstSignal
  const stopped = await Promise.race([close().then(() => true), nextSignal().then(() => false)])
  // Downloads that still run, or could not be ended, would keep the process alive.
  process.exit(stopped ? 0 : 1)
}

/** Loads the entry point of the current runtime. */
function loadDoor(): Promise<Pick<typeof import('../node.ts'), 'serve'>> {
  if ('Bun' in globalThis) return import('../bun.ts')
  if ('Deno' in globalThis) return import('../deno.ts')
  return import('../node.ts')
}

/** Resolves at the next SIGTERM or SIGINT. Without a listener, such a signal ends the process at once. */
export function nextSignal(): Promise<unknown> {
  return Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
}
