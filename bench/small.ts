/** Measures files of 1 KB over 32 connections: requests per second, compared with nginx. */

import { contentPath, filePath, key, startGateway, startPeer } from './gateways.ts'
import { against, type Effort, inTurns, show, table } from './measure.ts'
import { type Measured, run } from './process.ts'
import { type Bench, ports } from './upstream.ts'

/** Sends requests for some seconds. Returns requests per second, and CPU time per request in microseconds. */
export async function load(
  proxy: Measured,
  url: string,
  headers: readonly string[] = [],
  seconds = 3,
) {
  const before = proxy.cpu()
  const args = headers.flatMap((header) => ['-H', header])
  const output = await run(['wrk', '-t1', '-c32', `-d${seconds}s`, ...args, url])
  const requests = Number(/(\d+) requests in/.exec(output)?.[1])
  const failed = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0)
  if (failed > 0) throw new Error(`${failed} of ${requests} answers of ${url} are errors`)
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1])
  return { rate, cpu: ((proxy.cpu() - before) / requests) * 1e6 }
}

export async function smallTable(bench: Bench, effort: Effort): Promise<string> {
  const nginx = await bench.startNginx()
  const gateway = await startGateway(bench, false, 9310)
  const undici = await startPeer(bench, 'undici', false, 9313)
  const hono = effort.hasPeers && (await startPeer(bench, 'hono-fetch', false, 9311))
  const reply = effort.hasPeers && (await startPeer(bench, 'reply-from', false, 9312))
  const path = contentPath('small')
  const auth = [`authorization: Bearer ${key}`]
  const link = await signedLink(9310)
  const parts: Record<string, () => ReturnType<typeof load>> = {
    nginx: () => load(nginx, `http://127.0.0.1:${ports.nginxPlain}${path}`),
    'cfile, by id': () => load(gateway, `http://127.0.0.1:9310${filePath('small')}`, auth),
    'cfile, by signed link': () => load(gateway, link),
    'bare undici': () => load(undici, `http://127.0.0.1:9313${path}`),
  }
  if (reply) parts['reply-from'] = () => load(reply, `http://127.0.0.1:9312${path}`)
  if (hono) parts['Hono fetch'] = () => load(hono, `http://127.0.0.1:9311${path}`)
  await inTurns(parts, effort.warmUps)
  const seen = await inTurns(parts, effort.rounds)
  for (const process of [nginx, gateway, hono, reply, undici]) if (process) await process.stop()
  const rows = Object.entries(seen).map(([name, { rate, cpu }]) => [
    name,
    against(rate, seen.nginx?.rate),
    against(rate, seen['bare undici']?.rate),
    show(rate, 0),
    show(cpu, 0),
  ])
  return table(
    ['proxy', 'against nginx', 'against bare undici', 'requests/s', 'CPU µs/request'],
    rows,
  )
}

/** Returns a link to the small file, signed by the gateway at a port. */
export async function signedLink(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/links`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ file_id: filePath('small').slice('/files/'.length) }),
  })
  return ((await answer.json()) as { download_url: string }).download_url
}
