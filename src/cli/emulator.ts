/**
 * `cfile emulator`: serves the emulator of Azure's endpoints alone, for other programs' tests.
 *
 * @module
 */

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Command, defineCommand, print, UsageError } from './command.ts'
import { nextSignal } from './serve.ts'

/** `cfile emulator` */
export const emulatorCommand: Command = defineCommand({
  name: 'emulator',
  usage: '',
  summary: "Serve the emulator of Azure's endpoints alone, on loopback",
  details:
    'For tests of your own programs: it answers as Azure does, needs no key and makes no calls. It runs until Ctrl-C.',
  options: {
    port: {
      type: 'string',
      short: 'p',
      value: 'PORT',
      help: 'The port to listen on; 0 takes a free one. Default: 8788.',
    },
  },
  examples: [['Serve on a free port', 'emulator --port 0']],
  takes: 'none',
  isServer: true,
  async run({ values }, terminal) {
    const text = values.port ?? '8788'
    const port = Number(text)
    if (!/^\d+$/.test(text) || port > 65_535) {
      throw new UsageError('--port takes a number from 0 to 65535.')
    }
    const server = await listen(port)
    const address = server.address() as AddressInfo
    const url = `http://127.0.0.1:${address.port}/openai/v1`
    const ended = nextSignal()
    print(terminal, { json: values.json, value: { url }, text: () => `emulator at ${url}` })
    await ended
    server.close()
    server.closeAllConnections()
    return 0
  },
})

async function listen(port: number): Promise<Server> {
  // Loaded on demand, since no other command needs them.
  const [{ createEmulator }, { toNodeHandler }] = await Promise.all([
    import('../emulator/emulator.ts'),
    import('../node.ts'),
  ])
  const handler = toNodeHandler(createEmulator())
  const server = createServer(handler).on('upgrade', handler.upgrade)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return server
}
