/** Memory: two hundred slow clients on one gigabyte, and one gigabyte that streams. */

import { connect, type Socket } from 'node:net'
import { filePath, key, startGateway } from './gateways.ts'
import { table } from './measure.ts'
import { type Measured, run } from './process.ts'
import type { Bench } from './upstream.ts'

const megabyte = 1024 ** 2
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export async function memoryTable(bench: Bench, seconds: number): Promise<string> {
  const slow = await slowClients(bench, 200, seconds)
  const file = await growth(bench, filePath('large'))
  return table(
    ['what', 'MB'],
    [
      ['peak RSS, 200 clients at 100 KB/s on the large file', slow.peak.toFixed(0)],
      ['of that, grown after the first 5 s', slow.creep.toFixed(0)],
      ['RSS growth while the large file streams', file.toFixed(0)],
    ],
  )
}

/** Opens a number of downloads and reads each at 100 KB/s. */
async function slowClients(bench: Bench, clients: number, seconds: number) {
  const gateway = await startGateway(bench, true, 9310)
  await run([
    'curl',
    '-sS',
    '-o',
    '/dev/null',
    '-H',
    `authorization: Bearer ${key}`,
    `http://127.0.0.1:9310${filePath('large')}`,
  ])
  const sockets = Array.from({ length: clients }, () => slowReader(9310))
  let peak = 0
  let early = 0
  for (let second = 0; second < seconds; second += 1) {
    await sleep(1000)
    const rss = gateway.rss() / megabyte
    peak = Math.max(peak, rss)
    if (second < 5) early = peak
  }
  for (const socket of sockets) socket.destroy()
  await gateway.stop()
  return { peak, creep: peak - early }
}

function slowReader(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', readableHighWaterMark: 16 * 1024 } as never)
  socket.write(
    `GET ${filePath('large')} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${key}\r\n\r\n`,
  )
  socket.on('data', (chunk) => {
    socket.pause()
    setTimeout(() => socket.resume(), (chunk.length / 100_000) * 1000)
  })
  socket.on('error', () => {})
  return socket
}

/** Returns by how many bytes a warm gateway grows during one download. */
async function growth(bench: Bench, path: string): Promise<number> {
  const gateway: Measured = await startGateway(bench, true, 9310)
  const download = () =>
    run([
      'curl',
      '-sS',
      '-f',
      '-o',
      '/dev/null',
      '-H',
      `authorization: Bearer ${key}`,
      `http://127.0.0.1:9310${path}`,
    ])
  const small = `http://127.0.0.1:9310${filePath('small')}`
  for (let i = 0; i < 50; i += 1)
    await run(['curl', '-sS', '-o', '/dev/null', '-H', `authorization: Bearer ${key}`, small])
  const before = gateway.rss()
  let peak = before
  const watch = setInterval(() => {
    peak = Math.max(peak, gateway.rss())
  }, 20)
  await download().finally(() => clearInterval(watch))
  await gateway.stop()
  return (peak - before) / megabyte
}
