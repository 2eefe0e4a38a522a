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

interface Pair {
  readonly bare: Measured
  readonly gateway: Measured
}

const barePort = 9330
const gatewayPort = 9331

export async function runtimesTable(bench: Bench, { rounds }: Effort): Promise<string> {
  const rows: string[][] = []
  const starters = { Bun: startOnBun, Deno: startOnDeno, workerd: startOnWorkerd }
  for (const [name, startPair] of Object.entries(starters)) {
    const { bare, gateway } = await startPair(bench)
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

async function startOnBun(bench: Bench): Promise<Pair> {
  const bun = `${root}bench/node_modules/.bin/bun`
  return {
    bare: await start([bun, 'bench/proxies/bare.ts'], { port: barePort, env: bareEnv }),
    gateway: await start([bun, 'bench/proxies/cfile-bun.ts'], {
      port: gatewayPort,
      env: gatewayEnv(bench, false, gatewayPort),
    }),
  }
}

async function startOnDeno(bench: Bench): Promise<Pair> {
  const deno = [`${root}bench/node_modules/.bin/deno`, 'run', '-A', '--no-check']
  return {
    bare: await start([...deno, 'bench/proxies/bare.ts'], { port: barePort, env: bareEnv }),
    gateway: await start([...deno, 'bench/proxies/cfile-deno.ts'], {
      port: gatewayPort,
      env: gatewayEnv(bench, false, gatewayPort),
    }),
  }
}

async function startOnWorkerd(bench: Bench): Promise<Pair> {
  await build({ ...workerBuild(), outfile: join(bench.folder, 'worker.js') })
  // workerd looks for an embedded file beside the configuration.
  copyFileSync(`${root}bench/proxies/bare-worker.js`, join(bench.folder, 'bare-worker.js'))
  const { NODE_EXTRA_CA_CERTS: _, PORT: __, ...env } = gatewayEnv(bench, false, gatewayPort)
  const workerd = `${root}node_modules/.bin/workerd`
  return {
    bare: await start(
      [workerd, 'serve', capnp(bench, 'bare', 'bare-worker.js', { UPSTREAM: upstream }, barePort)],
      { port: barePort },
    ),
    gateway: await start(
      [
        workerd,
        'serve',
        capnp(bench, 'gateway', 'worker.js', { ...env, CFILE_ALLOW_ANONYMOUS: '0' }, gatewayPort),
      ],
      { port: gatewayPort },
    ),
  }
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
