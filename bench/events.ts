/** Measures streams of events without citations: events per second, and the delay of each event. */

import { gatewayEnv, key, serveOnNode } from './gateways.ts'
import { inTurns, show, spreadOf, table } from './measure.ts'
import { type Measured, root, start } from './process.ts'
import type { Bench } from './upstream.ts'

const ask = { method: 'POST', body: JSON.stringify({ model: 'gpt-4.1', input: 'x', stream: true }) }
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }

/** Reads 200,000 events. Returns events per second, and the proxy's CPU time per event in microseconds. */
export async function flood(proxy: Measured, port: number) {
  const before = proxy.cpu()
  const began = performance.now()
  const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, { ...ask, headers })
  let bytes = 0
  for await (const chunk of answer.body ?? []) bytes += chunk.byteLength
  if (bytes < 200_000 * 150) throw new Error(`only ${bytes} bytes of events came`)
  const seconds = (performance.now() - began) / 1000
  return { rate: 200_000 / seconds, cpu: ((proxy.cpu() - before) / 200_000) * 1e6 }
}

/** Returns the median delay between upstream and client in milliseconds. */
async function delay(port: number) {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
    ...ask,
    headers: { ...headers, 'x-bench': 'paced' },
  })
  const delays: number[] = []
  const decoder = new TextDecoder()
  for await (const chunk of answer.body ?? []) {
    const now = performance.timeOrigin + performance.now()
    for (const [, sent] of decoder.decode(chunk).matchAll(/"delta":"([\d.]+)"/g)) {
      delays.push(now - Number(sent))
    }
  }
  return { delay: spreadOf(delays.slice(500)).median }
}

const node = `${root}node_modules/.bin/node`

/** Starts the upstream of the events. */
export function startEvents(): Promise<Measured> {
  return start([node, 'bench/event-upstream.ts'], { core: 1, port: 9320, env: { PORT: '9320' } })
}

/**
 * Starts the gateway in front of the upstream of the events.
 *
 * @param cwd a built checkout. @default this one
 */
export function startLinking(
  bench: Bench,
  links: 'annotate' | 'rewrite',
  port: number,
  cwd?: string,
): Promise<Measured> {
  const env = {
    ...gatewayEnv(bench, false, port),
    AZURE_OPENAI_ENDPOINT: 'http://127.0.0.1:9320',
    CFILE_LINKS: links,
  }
  return start(serveOnNode, { port, env, cwd })
}

export async function eventsTable(bench: Bench): Promise<string> {
  const upstream = await startEvents()
  const hono = await start([node, 'bench/proxies/hono-events.ts'], {
    port: 9321,
    env: { UPSTREAM: 'http://127.0.0.1:9320', PORT: '9321' },
  })
  const annotate = await startLinking(bench, 'annotate', 9322)
  const rewrite = await startLinking(bench, 'rewrite', 9323)
  const parts = {
    'Hono, untouched': () => flood(hono, 9321),
    'cfile, annotate': () => flood(annotate, 9322),
    'cfile, rewrite': () => flood(rewrite, 9323),
  }
  await inTurns(parts, 3)
  const seen = await inTurns(parts, 7)
  const waits = await inTurns(
    {
      'no proxy': () => delay(9320),
      'Hono, untouched': () => delay(9321),
      'cfile, annotate': () => delay(9322),
      'cfile, rewrite': () => delay(9323),
    },
    3,
  )
  for (const process of [upstream, hono, annotate, rewrite]) await process.stop()
  const direct = waits['no proxy'].delay.median
  const rows = Object.entries(seen).map(([name, { rate, cpu }]) => {
    const added = waits[name as keyof typeof seen].delay.median - direct
    const ratio = rate.median / seen['Hono, untouched'].rate.median
    return [name, ratio.toFixed(2), show(rate, 0), show(cpu, 1), `${added.toFixed(2)} ms`]
  })
  return table(
    ['proxy', 'against untouched', 'events/s', 'CPU µs/event', 'added to an event, p50'],
    rows,
  )
}
