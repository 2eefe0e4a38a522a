/** Compares the gateway on Bun, Deno and workerd with a bare pass-through on the same runtime. */

import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { workerBuild } from '../scripts/bundle.ts'
import { contentPath, filePath, gatewayEnv, introduce, key } from './gateways.ts'
import { type Effort, inTurns, show, table } from './measure.ts'
import { type Measured, root, start } from './process.ts'
import { load } from './small.ts'
import { download } from './transfer.ts'
import { type Bench, ports } from './upstream.ts'

export const barePort = 9330
export const gatewayPort = 9331

export async function runtimesTable(bench: Bench, { rounds }: Effort): Promise<string> {
  const rows: string[][] = []
  for (const [name, startGateway] of Object.entries(gatewayStarters)) {
    const gateway = await startGateway(bench)
    const bare = await bareStarters[name]?.(bench)
    if (bare === undefined) continue
    await introduce(gatewayPort)
    const auth = [`authorization: Bearer ${key}`]
    const small = await inTurns(
      {
        bare: () => load(bare, url(barePort, contentPath('small'))),
        gateway: () => load(gateway, url(gatewayPort, filePath('small')), auth),
      },
      rounds,
    )
    const large = await inTurns(
      {
        bare: () => download(bare, url(barePort, contentPath('large')), auth),
        gateway: () => download(gateway, url(gatewayPort, filePath('large')), auth),
      },
      rounds,
    )
    for (const process of [bare, gateway]) await process.stop()
    rows.push([
      name,
      (small.gateway.rate.median / small.bare.rate.median).toFixed(2),
      `${show(small.gateway.rate, 0)} of ${show(small.bare.rate, 0)}`,
      `${show(small.gateway.cpu, 0)} of ${show(small.bare.cpu, 0)}`,
      (large.gateway.cpu.median / large.bare.cpu.median).toFixed(2),
      `${show(large.gateway.cpu)} of ${show(large.bare.cpu)}`,
    ])
  }
  return table(
    [
      'runtime',
      '1 KB, against bare',
      'requests/s',
      'CPU µs/request',
      'large file, CPU against bare',
      'CPU s/GB',
    ],
    rows,
  )
}

const url = (port: number, path: string): string => `http://127.0.0.1:${port}${path}`
const upstream = `http://127.0.0.1:${ports.plain}`
const bareEnv = { UPSTREAM: upstream, PORT: String(barePort) }

const bun: readonly string[] = [`${root}bench/node_modules/.bin/bun`]
const deno: readonly string[] = [`${root}bench/node_modules/.bin/deno`, 'run', '-A', '--no-check']
const workerd: readonly string[] = [`${root}node_modules/.bin/workerd`, 'serve']

/** Options of a gateway on another runtime. */
interface GatewayOptions {
  /** @default {@link gatewayPort} */
  readonly port?: number
  /** A checkout. @default this one */
  readonly cwd?: string
  /** Flags of the runtime. */
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

type StartGateway = (bench: Bench, options?: GatewayOptions) => Promise<Measured>

function startScript(runtime: readonly string[], script: string): StartGateway {
  return (bench, { port = gatewayPort, cwd, flags = [], env = {} } = {}) =>
    start([...runtime, ...flags, script], {
      port,
      cwd,
      env: { ...gatewayEnv(bench, false, port), ...env },
    })
}

const startOnWorkerd: StartGateway = async (
  bench,
  { port = gatewayPort, cwd = root, flags = [] } = {},
) => {
  const module = `worker-${port}.js`
  // A profile needs the names of functions.
  const minify = !flags.some((flag) => flag.startsWith('--inspector'))
  const outfile = join(bench.folder, module)
  await build({ ...workerBuild(), minify, absWorkingDir: cwd, outfile })
  const { NODE_EXTRA_CA_CERTS: _, PORT: __, ...env } = gatewayEnv(bench, false, port)
  const config = capnp(
    bench,
    `gateway-${port}`,
    module,
    { ...env, CFILE_ALLOW_ANONYMOUS: '0' },
    port,
  )
  return start([...workerd, ...flags, config], { port })
}

/** Starts the gateway on a runtime. */
export const gatewayStarters: Readonly<Record<string, StartGateway>> = {
  Bun: startScript(bun, 'bench/proxies/cfile-bun.ts'),
  Deno: startScript(deno, 'bench/proxies/cfile-deno.ts'),
  workerd: startOnWorkerd,
}

const bareOf = (runtime: readonly string[]) => () =>
  start([...runtime, 'bench/proxies/bare.ts'], { port: barePort, env: bareEnv })

/** Starts the bare pass-through of a runtime. */
export const bareStarters: Readonly<Record<string, (bench: Bench) => Promise<Measured>>> = {
  Bun: bareOf(bun),
  Deno: bareOf(deno),
  workerd(bench) {
    // workerd looks for an embedded file beside the configuration.
    copyFileSync(`${root}bench/proxies/bare-worker.js`, join(bench.folder, 'bare-worker.js'))
    const config = capnp(bench, 'bare', 'bare-worker.js', { UPSTREAM: upstream }, barePort)
    return start([...workerd, config], { port: barePort })
  },
}

function capnp(
  bench: Bench,
  name: string,
  module: string,
  env: Readonly<Record<string, string>>,
  port: number,
): string {
  const file = join(bench.folder, `${name}.capnp`)
  const bindings = Object.entries(env).map(
    ([key, value]) => `(name = ${JSON.stringify(key)}, text = ${JSON.stringify(value)})`,
  )
  writeFileSync(
    file,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed ${JSON.stringify(module)})],
  compatibilityDate = "2026-10-01",
  bindings = [${bindings.join(', ')}],
);
`,
  )
  return file
}
