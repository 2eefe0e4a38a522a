/** Starts the measured proxies, each on core 0. */

import { type Measured, root, start } from './process.ts'
import { type Bench, containerId, fileIds, ports } from './upstream.ts'

export const key = 'key-of-the-benchmark'

/** Returns the settings of a gateway in front of the benchmark's upstream. */
export function gatewayEnv(
  { certificate }: Bench,
  isTls: boolean,
  port: number,
): Record<string, string> {
  return {
    AZURE_OPENAI_ENDPOINT: isTls
      ? `https://localhost:${ports.tls}`
      : `http://127.0.0.1:${ports.plain}`,
    AZURE_OPENAI_API_KEY: 'bench',
    NODE_EXTRA_CA_CERTS: certificate,
    CFILE_API_KEYS: `bench:${key}`,
    CFILE_SIGNING_KEYS: `bench:${'s'.repeat(32)}`,
    CFILE_STORE: 'memory:',
    CFILE_MAX_FILE_BYTES: String(8 * 1024 ** 3),
    LOG_LEVEL: 'silent',
    PORT: String(port),
  }
}

/** The command behind `npx cfile serve`, with the flags in the first line of the binary. */
export const serveOnNode: readonly string[] = [
  `${root}node_modules/.bin/node`,
  '--min-semi-space-size=4',
  '--max-semi-space-size=4',
  'dist/cli.js',
  'serve',
]

/**
 * Starts the gateway on Node, and makes the files known to it as an answer would.
 *
 * @param cwd a built checkout. @default this one
 */
export async function startGateway(
  bench: Bench,
  isTls: boolean,
  port: number = ports.proxy,
  cwd?: string,
): Promise<Measured> {
  const started = await start(serveOnNode, { port, cwd, env: gatewayEnv(bench, isTls, port) })
  await introduce(port)
  return started
}

/** Posts an answer that cites the files. */
export async function introduce(port: number): Promise<void> {
  const annotations = Object.entries(fileIds).map(([name, file_id]) => ({
    type: 'container_file_citation',
    container_id: containerId,
    file_id,
    filename: `${name}.bin`,
    start_index: 0,
    end_index: 0,
  }))
  const output = [
    {
      type: 'message',
      role: 'assistant',
      content: [{ type: 'output_text', text: '', annotations }],
    },
  ]
  const answer = await fetch(`http://127.0.0.1:${port}/captures`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ object: 'response', id: 'resp_bench', output }),
  })
  if (!answer.ok) throw new Error(`the gateway took no capture: ${await answer.text()}`)
}

/** Starts one of the other proxies. */
export function startPeer(
  bench: Bench,
  name: 'hono-fetch' | 'reply-from' | 'undici',
  isTls: boolean,
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  const node = `${root}node_modules/.bin/node`
  const UPSTREAM = isTls ? `https://localhost:${ports.tls}` : `http://127.0.0.1:${ports.plain}`
  return start([node, `bench/proxies/${name}.ts`], {
    port,
    env: { UPSTREAM, PORT: String(port), NODE_EXTRA_CA_CERTS: bench.certificate, ...env },
  })
}

/** Returns the path of a file at a plain proxy. */
export function contentPath(name: keyof typeof fileIds): string {
  return `/openai/v1/containers/${containerId}/files/${fileIds[name]}/content`
}

/** Returns the path of a file at the gateway. */
export function filePath(name: keyof typeof fileIds): string {
  return `/files/${fileIds[name]}`
}
