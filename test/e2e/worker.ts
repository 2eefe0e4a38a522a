/**
 * A Worker on this machine, by `wrangler dev`.
 */

import { type Child, start } from '../lib/child.ts'
import { freePort } from './engines.ts'

/** Keeps wrangler silent and off the network. */
export const quiet = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  CI: '1',
}

/** A Worker that runs. */
export interface Worker {
  readonly url: string
  readonly child: Child
  /** Ends wrangler and its workerd. */
  stop(): Promise<void>
}

/**
 * Starts a Worker.
 *
 * @param folder keeps the data of its bindings
 * @param vars its variables, besides `CFILE_PUBLIC_URL`
 */
export async function startWorker(
  wrangler: string,
  folder: string,
  vars: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<Worker> {
  const [port, inspector] = [String(await freePort()), String(await freePort())]
  const url = `http://127.0.0.1:${port}`
  const listen = ['--ip', '127.0.0.1', '--port', port, '--inspector-port', inspector]
  const given = Object.entries({ CFILE_PUBLIC_URL: url, ...vars })
  const child = await start(
    wrangler,
    [
      ...['dev', '--local', '--persist-to', folder, ...listen],
      ...given.flatMap(([name, value]) => ['--var', `${name}:${value}`]),
      ...args,
    ],
    { env: quiet },
  )
  return {
    url,
    child,
    async stop() {
      child.kill()
      const late = setTimeout(() => child.kill('SIGKILL'), 5000)
      await child.ended
      clearTimeout(late)
    },
  }
}
