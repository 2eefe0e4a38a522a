/**
 * The emulator on its own port, so that it outlives the gateways of a test.
 */

import { createHash } from 'node:crypto'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { toNodeHandler } from '../../src/node.ts'
import { json } from '../lib/harness.ts'
import { listen } from '../lib/upstream.ts'

/** An Azure that runs. */
export interface Azure {
  /** The settings of a gateway before it. */
  readonly env: Readonly<Record<string, string>>
  readonly url: string
  /** Makes its next answers fail. */
  fault(fault: object): Promise<unknown>
  /** Moves its clock, in seconds. */
  advance(seconds: number): void
  /** The SHA-256 of a file, in hex, read from it directly. */
  hashOf(file: { container_id: string; file_id: string }): Promise<string>
  /** The ids of the files whose bytes were asked for so far, each as often as it was. */
  readonly contents: readonly string[]
  close(): Promise<void>
}

/** Starts an emulator. */
export async function startAzure(): Promise<Azure> {
  let ahead = 0
  const emulator = createEmulator({ now: () => Math.floor(Date.now() / 1000) + ahead })
  const contents: string[] = []
  // The emulator's own log has the latest requests only.
  const fetchCounted = (request: Request, env?: object) => {
    const [, id] = /\/files\/(\w+)\/content$/.exec(new URL(request.url).pathname) ?? []
    if (id !== undefined) contents.push(id)
    return emulator.fetch(request, env)
  }
  const handler = toNodeHandler({ fetch: fetchCounted })
  const { url, close } = await listen(
    (request, response) => void handler(request, response),
    handler.upgrade,
  )
  return {
    url,
    fault: (fault) => fetch(`${url}/emulator/faults`, json(fault)),
    env: { AZURE_OPENAI_ENDPOINT: url, AZURE_OPENAI_API_KEY: 'key' },
    advance(seconds) {
      ahead += seconds
    },
    async hashOf({ container_id, file_id }) {
      const path = `/openai/v1/containers/${container_id}/files/${file_id}/content`
      return hash(await fetch(url + path, { headers: { 'api-key': 'key' } }))
    },
    contents,
    close,
  }
}

/** The SHA-256 of a body, in hex; of an answer that is none, its status. */
export async function hash(answer: Response): Promise<string> {
  if (!answer.ok) {
    await answer.body?.cancel()
    return String(answer.status)
  }
  const sum = createHash('sha256')
  for await (const chunk of answer.body ?? []) sum.update(chunk)
  return sum.digest('hex')
}
