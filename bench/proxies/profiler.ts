/** Loaded before a proxy on Bun or Deno: the first signal starts a CPU profile, the second writes it to `PROFILE`. */

import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'

const session = new Session()
session.connect()
let isRunning = false

process.on('SIGUSR2', async () => {
  isRunning = !isRunning
  if (isRunning) {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: 200 })
    await session.post('Profiler.start')
    return
  }
  const { profile } = await session.post('Profiler.stop')
  writeFileSync(process.env.PROFILE ?? '', JSON.stringify(profile))
})
