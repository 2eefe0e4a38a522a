/** Measures how long one request blocks the event loop of the gateway. */

import { key } from './gateways.ts'
import { large } from './large-bodies.ts'
import { table } from './measure.ts'
import { root, start } from './process.ts'

const ports = { gateway: 9320, upstream: 9321, watch: 9322 }
const node = `${root}node_modules/.bin/node`
const megabyte = 1024 ** 2

interface Case {
  readonly what: string
  readonly path?: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

const names = (count: number): string =>
  JSON.stringify(Array.from({ length: count }, (_, at) => `file-${at}`))

function* cases(): Generator<Case> {
  for (const [what, write] of Object.entries(large)) {
    yield { what: `a request: ${what}`, body: `{"model":"m","input":${write()}}` }
  }
  yield { what: 'a request: 65 MB, over the limit', body: `"${'x'.repeat(65 * megabyte)}"` }
  yield { what: 'a request: 1,000 names', body: `{"model":"m","file_ids":${names(1000)}}` }
  yield { what: 'a request: 100,000 names', body: `{"model":"m","file_ids":${names(100_000)}}` }
  for (const what of ['numbers', 'lists', 'one text']) {
    const body = '{"model":"m","input":"hi"}'
    yield { what: `an answer: ${what}`, body, headers: { 'x-answer': what } }
    yield { what: `an event: ${what}`, body, headers: { 'x-answer': `stream ${what}` } }
    const posted = `{"object":"response","output":${large[what]?.() ?? ''}}`
    yield { what: `a capture: ${what}`, path: '/captures', body: posted }
  }
  yield {
    what: 'a form: a file of almost boundaries',
    path: '/openai/v1/files',
    headers: { 'content-type': 'multipart/form-data; boundary=bbbbbbbb' },
    body: `--bbbbbbbb\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n${'\r\n--bbbbbbb'.repeat(4 * megabyte)}\r\n--bbbbbbbb--\r\n`,
  }
}

interface Watched {
  readonly wall: number
  readonly cpu: number
  readonly peak: number
}

async function watched(): Promise<Watched> {
  return (await (await fetch(`http://127.0.0.1:${ports.watch}`)).json()) as Watched
}

/** Measures one request at a new gateway. */
async function measure(one: Case): Promise<string[]> {
  const gateway = await start(
    [node, '--import', './bench/proxies/watch-loop.ts', 'dist/cli.js', 'serve'],
    {
      port: ports.gateway,
      env: {
        AZURE_OPENAI_ENDPOINT: `http://127.0.0.1:${ports.upstream}`,
        AZURE_OPENAI_API_KEY: 'bench',
        CFILE_API_KEYS: `bench:${key}`,
        CFILE_SIGNING_KEYS: `bench:${'s'.repeat(32)}`,
        CFILE_STORE: 'memory:',
        LOG_LEVEL: 'silent',
        PORT: String(ports.gateway),
        WATCH_PORT: String(ports.watch),
      },
    },
  )
  try {
    return await measureIn(one)
  } finally {
    await gateway.stop()
  }
}

async function measureIn({
  path = '/openai/v1/responses',
  body,
  headers,
}: Case): Promise<string[]> {
  // Encoded in advance, so that no connection is idle until the gateway closes it.
  const encoder = new TextEncoder()
  const bytes = encoder.encode(body)
  for (let warm = 0; warm < 20; warm += 1) {
    await send(encoder.encode('{"model":"m","input":"hi"}'), '/openai/v1/responses')
  }
  await watched()
  const began = performance.now()
  const status = await send(bytes, path, headers).catch(() => 0)
  const ms = performance.now() - began
  const { wall, cpu, peak } = await watched()
  return [status, cpu, wall, ms, peak / megabyte].map((figure) => figure.toFixed(0))
}

async function send(
  body: Uint8Array<ArrayBuffer>,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${ports.gateway}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body,
  })
  await answer.arrayBuffer()
  return answer.status
}

export async function stallsTable(): Promise<string> {
  const upstream = await start([node, 'bench/stall-upstream.ts'], {
    core: 1,
    port: ports.upstream,
    env: { PORT: String(ports.upstream) },
  })
  const rows: string[][] = []
  try {
    for (const one of cases()) {
      rows.push([one.what, ...(await measure(one))])
      process.stderr.write(`${rows.at(-1)?.join(' | ')}\n`)
    }
  } finally {
    await upstream.stop()
  }
  return table(
    [
      '48 MB of',
      'status',
      'worst stall, ms of CPU',
      'by the clock',
      'all of it, ms',
      'peak RSS, MB',
    ],
    rows,
  )
}
