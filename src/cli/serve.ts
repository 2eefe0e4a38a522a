/**
 * `cfile serve`: the server, until a signal ends it.
 *
 * @module
 */

import { once } from 'node:events'
import { type Command, UsageError } from './args.ts'

/** `cfile serve` */
export const serveCommand: Command = {
  usage: '',
  summary: 'serve, as the environment says (HOST, PORT, AZURE_OPENAI_ENDPOINT, …)',
  async run(args) {
    if (args.length > 0) throw new UsageError('It takes no argument.')
    return serveUntilSignal()
  },
}

/** Serves until SIGTERM or SIGINT, then lets downloads finish for a while; a second signal ends them. */
async function serveUntilSignal(): Promise<number> {
  const { serve } = await door()
  const running = await serve()
  process.stdout.write(
    running.emulated
      ? `cfile at ${running.url} on its built-in emulator, not on Azure: set AZURE_OPENAI_ENDPOINT for the real thing.\n`
      : `cfile at ${running.url}\n`,
  )
  await signal()
  const stopped = await Promise.race([running.close().then(() => true), signal().then(() => false)])
  // Downloads that are still under way, or could not be cut, would keep the process alive.
  process.exit(stopped ? 0 : 1)
}

/** The door of the runtime that this runs on. */
export function door(): Promise<Pick<typeof import('../node.ts'), 'serve'>> {
  if ('Bun' in globalThis) return import('../bun.ts')
  if ('Deno' in globalThis) return import('../deno.ts')
  return import('../node.ts')
}

function signal(): Promise<unknown> {
  return Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
}
