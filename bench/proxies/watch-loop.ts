/**
 * Loaded into a process by `--import`: tells at WATCH_PORT how long its event loop stood still since it was last asked.
 * The CPU time of the thread is what others would wait on a machine that does nothing else.
 */

import { createServer } from 'node:http'

let worst = { wall: 0, cpu: 0 }
let last = read()

function read() {
  const { user, system } = process.threadCpuUsage()
  return { wall: performance.now(), cpu: (user + system) / 1000 }
}

setInterval(() => {
  const now = read()
  worst = {
    wall: Math.max(worst.wall, now.wall - last.wall),
    cpu: Math.max(worst.cpu, now.cpu - last.cpu),
  }
  last = now
}, 1).unref()

createServer((_, response) => {
  response.end(JSON.stringify({ ...worst, peak: process.resourceUsage().maxRSS * 1024 }))
  worst = { wall: 0, cpu: 0 }
  last = read()
})
  .listen(Number(process.env.WATCH_PORT), '127.0.0.1')
  .unref()
