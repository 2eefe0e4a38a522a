/** Compares HTTP/1.1 with HTTP/2 to an upstream over TLS, with the client that the gateway uses on Node. */

import { contentPath, startPeer } from './gateways.ts'
import { inTurns, show, table } from './measure.ts'
import { load } from './small.ts'
import { download } from './transfer.ts'
import type { Bench } from './upstream.ts'

export async function versionsTable(bench: Bench): Promise<string> {
  const first = await startPeer(bench, 'undici', true, 9311)
  const second = await startPeer(bench, 'undici', true, 9312, { HTTP2: '1' })
  const largeOf = (port: number) => `http://127.0.0.1:${port}${contentPath('large')}`
  const smallOf = (port: number) => `http://127.0.0.1:${port}${contentPath('small')}`
  const large = await inTurns(
    {
      'HTTP/1.1': () => download(first, largeOf(9311)),
      'HTTP/2': () => download(second, largeOf(9312)),
    },
    4,
  )
  const small = await inTurns(
    {
      'HTTP/1.1': () => load(first, smallOf(9311)),
      'HTTP/2': () => load(second, smallOf(9312)),
    },
    5,
  )
  for (const process of [first, second]) await process.stop()
  const rows = (['HTTP/1.1', 'HTTP/2'] as const).map((name) => [
    name,
    show(large[name].rate, 0),
    show(large[name].cpu),
    show(small[name].rate, 0),
    show(small[name].cpu, 0),
  ])
  return table(['to the upstream', '1 GB, MB/s', 'CPU s/GB', '1 KB, requests/s', 'CPU µs'], rows)
}
