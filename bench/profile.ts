/** Profiles the gateway on Bun, Deno or workerd under load. The README has the command. */

import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { filePath, introduce, key } from './gateways.ts'
import { table } from './measure.ts'
import type { Measured } from './process.ts'
import { gatewayPort, gatewayStarters } from './runtimes.ts'
import { load, signedLink } from './small.ts'
import { download } from './transfer.ts'
import { startUpstream } from './upstream.ts'

/** The parts of a CPU profile of the Chrome DevTools Protocol that are used. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Starts a profile. Returns the function that ends it. */
type StartProfile = () => Promise<() => Promise<Profile>>

const inspectorPort = 9340

/** Sends signals to `proxies/profiler.ts`, which runs in the process. */
function bySignal({ pid }: Measured, file: string): StartProfile {
  return async () => {
    process.kill(pid, 'SIGUSR2')
    await pause(500)
    return async () => {
      process.kill(pid, 'SIGUSR2')
      while (!existsSync(file)) await pause(100)
      await pause(1000)
      const profile = JSON.parse(readFileSync(file, 'utf8'))
      rmSync(file)
      return profile
    }
  }
}

/** Speaks the protocol with the inspector of workerd. */
const byInspector: StartProfile = async () => {
  const targets = await (await fetch(`http://127.0.0.1:${inspectorPort}/json`)).json()
  const socket = new WebSocket(targets[0].webSocketDebuggerUrl)
  await new Promise((resolve) => socket.once('open', resolve))
  let last = 0
  function post(method: string, params: object = {}): Promise<{ profile: Profile }> {
    last += 1
    const id = last
    socket.send(JSON.stringify({ id, method, params }))
    return new Promise((resolve) => {
      socket.on('message', (text) => {
        const message = JSON.parse(String(text))
        if (message.id === id) resolve(message.result)
      })
    })
  }
  await post('Profiler.enable')
  await post('Profiler.setSamplingInterval', { interval: 200 })
  await post('Profiler.start')
  return async () => {
    const { profile } = await post('Profiler.stop')
    socket.close()
    return profile
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The share of each function in the CPU time of the thread. Pauses do not count. */
function shares(
  { nodes, samples, timeDeltas }: Profile,
  nameOf: (frame: Frame) => string,
): [string, number][] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const times = new Map<string, number>()
  let all = 0
  for (const [at, id] of samples.entries()) {
    const name = names.get(id) ?? ''
    // The last one is the profiler itself.
    if (/^\((?:idle|root)\)|inspector\.js$/.test(name)) continue
    const time = timeDeltas[at] ?? 0
    all += time
    times.set(name, (times.get(name) ?? 0) + time)
  }
  return [...times]
    .map(([name, time]): [string, number] => [name, (100 * time) / all])
    .sort((a, b) => b[1] - a[1])
}
type Frame = Profile['nodes'][number]['callFrame']

const fileOf = ({ url, functionName }: Frame): string =>
  functionName.startsWith('(')
    ? functionName
    : url.replace(/.*\/(node_modules|src)\//, '$1/') || '(native)'
const functionOf = (frame: Frame): string =>
  `${frame.functionName || '(anonymous)'} ${fileOf(frame)}`

const [runtime = '', count = '25'] = process.argv.slice(2)
const startGateway = gatewayStarters[runtime]
if (startGateway === undefined) throw new Error(`name one of ${Object.keys(gatewayStarters)}`)
const bench = await startUpstream(1024 ** 3)
let gateway: Measured | undefined
try {
  const file = join(bench.folder, 'profile.json')
  gateway = await startGateway(bench, {
    flags:
      runtime === 'workerd'
        ? [`--inspector-addr=127.0.0.1:${inspectorPort}`]
        : ['--preload', './bench/proxies/profiler.ts'],
    env: { PROFILE: file },
  })
  const proxy = gateway
  await introduce(gatewayPort)
  const auth = [`authorization: Bearer ${key}`]
  const at = (path: string): string => `http://127.0.0.1:${gatewayPort}${path}`
  const link = at(new URL(await signedLink(gatewayPort)).pathname)
  const loads = {
    'by id': () => load(proxy, at(filePath('small')), auth, 4),
    'by link': () => load(proxy, link, [], 4),
    large: () => download(proxy, at(filePath('large')), auth),
  }
  const startProfile = runtime === 'workerd' ? byInspector : bySignal(proxy, file)
  for (const [name, run] of Object.entries(loads)) {
    await run()
    const plain = await run()
    const stop = await startProfile()
    const { cpu } = await run()
    const profile = await stop()
    const rows = (of: typeof fileOf) =>
      shares(profile, of)
        .slice(0, Number(count))
        .map(([name, share]) => [name, share.toFixed(1)])
    process.stdout.write(
      `\n${runtime}, ${name}: ${plain.cpu.toFixed(2)}, ${cpu.toFixed(2)} with the profiler\n\n${table(['function', '%'], rows(functionOf))}\n\n${table(['file', '%'], rows(fileOf))}\n`,
    )
  }
} finally {
  await gateway?.stop()
  await bench.upstream.stop()
}
