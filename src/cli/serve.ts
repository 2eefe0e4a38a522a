/**
 * `cfile serve`: the server, until a signal ends it.
 *
 * @module
 */

import { once } from 'node:events'
import { serve } from '../node.ts'

/** Serves until SIGTERM or SIGINT, then lets downloads finish; a second signal ends them. */
export async function serveCommand(): Promise<number> {
  const running = await serve()
  process.stdout.write(
    running.emulated
      ? `cfile at ${running.url} on its built-in emulator, not on Azure: set AZURE_OPENAI_ENDPOINT for the real thing.\n`
      : `cfile at ${running.url}\n`,
  )
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  const forced = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  const stopped = await Promise.race([running.close().then(() => true), forced.then(() => false)])
  return stopped ? 0 : 1
}
