/** Measures 1 GB downloads: throughput compared with nginx, and CPU time. */

import { contentPath, filePath, key, startGateway, startPeer } from './gateways.ts'
import { against, type Effort, inTurns, show, table } from './measure.ts'
import { type Measured, run } from './process.ts'
import { type Bench, ports } from './upstream.ts'

const gigabyte = 1024 ** 3

/** Downloads the large file once. Returns MB/s, and CPU seconds per GB. */
export async function download(proxy: Measured, url: string, headers: readonly string[] = []) {
  const before = proxy.cpu()
  const args = headers.flatMap((header) => ['-H', header])
  const output = await run([
    'curl',
    '-sS',
    '-f',
    // No row may keep the others waiting for ever.
    '--max-time',
    '300',
    '-o',
    '/dev/null',
    '-w',
    '%{size_download} %{time_total}',
    ...args,
    url,
  ])
  const [bytes = 0, seconds = 1] = output.split(' ').map(Number)
  return { rate: bytes / seconds / 1e6, cpu: ((proxy.cpu() - before) / bytes) * gigabyte }
}

export async function transferTable(bench: Bench, isTls: boolean, effort: Effort): Promise<string> {
  const nginx = await bench.startNginx()
  const gateway = await startGateway(bench, isTls, 9310)
  const undici = await startPeer(bench, 'undici', isTls, 9313)
  const hono = effort.hasPeers && (await startPeer(bench, 'hono-fetch', isTls, 9311))
  const reply = effort.hasPeers && (await startPeer(bench, 'reply-from', isTls, 9312))
  const path = contentPath('large')
  const auth = [`authorization: Bearer ${key}`]
  const port = isTls ? ports.nginxTls : ports.nginxPlain
  const parts: Record<string, () => ReturnType<typeof download>> = {
    nginx: () => download(nginx, `http://127.0.0.1:${port}${path}`),
    cfile: () => download(gateway, `http://127.0.0.1:9310${filePath('large')}`, auth),
    'bare undici': () => download(undici, `http://127.0.0.1:9313${path}`),
  }
  if (reply) parts['reply-from'] = () => download(reply, `http://127.0.0.1:9312${path}`)
  if (hono) parts['Hono fetch'] = () => download(hono, `http://127.0.0.1:9311${path}`)
  await inTurns(parts, 1)
  const seen = await inTurns(parts, effort.rounds)
  for (const process of [nginx, gateway, hono, reply, undici]) if (process) await process.stop()
  const rows = Object.entries(seen).map(([name, { rate, cpu }]) => [
    name,
    against(rate, seen.nginx?.rate),
    against(rate, seen['bare undici']?.rate),
    show(rate, 0),
    show(cpu),
  ])
  return table(['proxy', 'against nginx', 'against bare undici', 'MB/s', 'CPU s/GB'], rows)
}
