/**
 * `cfile emulator`: serves the emulator of Azure's endpoints alone, for other programs' tests.
 *
 * @module
 */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Command, readWords, UsageError } from './args.ts'

/** `cfile emulator` */
export const emulatorCommand: Command = {
  usage: '[--port PORT]',
  summary: "serve the emulator of Azure's endpoints alone, on loopback",
  async run(args) {
    const { words, values } = readWords(args, { port: { type: 'string' } })
    const port = Number(values.port ?? '8788')
    if (words.length > 0) throw new UsageError('It takes no argument.')
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new UsageError('--port takes a port, 0 to 65535.')
    }
    // Loaded only here: no other command needs a server of its own.
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
    const address = server.address() as AddressInfo
    process.stdout.write(`emulator at http://127.0.0.1:${address.port}/openai/v1\n`)
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
    })
    server.close()
    server.closeAllConnections()
    return 0
  },
}
