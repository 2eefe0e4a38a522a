/**
 * A reader on a slow line, who takes a little and then nothing for longer than the upstream may be silent.
 */

import { get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { serve } from '../../src/node.ts'
import { citedFiles, json, responseRequest, sha256 } from '../lib/harness.ts'
import { serveApp } from '../lib/served.ts'

const idleMs = 150

it('gets the whole file, since only the upstream’s silence counts', async () => {
  const azure = await serveApp(createEmulator())
  const server = await serve({
    AZURE_OPENAI_ENDPOINT: azure.url,
    AZURE_OPENAI_API_KEY: 'a-key',
    CFILE_STORE: 'memory:',
    CFILE_IDLE_TIMEOUT_MS: String(idleMs),
    LOG_LEVEL: 'silent',
    PORT: '0',
  })
  onTestFinished(async () => {
    await server.close()
    await azure.close()
  })
  const request = json(responseRequest('Save a 24 MB binary file.'))
  const answer = await fetch(`${server.url}/openai/v1/responses`, request)
  const { container_id, file_id } = citedFiles(await answer.json())[0] ?? {}
  const path = `/openai/v1/containers/${container_id}/files/${file_id}/content`
  const original = await (await fetch(azure.url + path)).arrayBuffer()

  const response = await new Promise<IncomingMessage>((resolve) =>
    get(`${server.url}/files/${file_id}`, resolve),
  )
  const pieces: Buffer[] = []
  let taken = 0
  let pauses = 0
  for await (const piece of response) {
    pieces.push(piece)
    taken += piece.byteLength
    // Far more than sockets hold, so that the gateway has to wait as well.
    if (taken > (pauses + 1) * 6_000_000) {
      pauses += 1
      await sleep(idleMs * 4)
    }
  }
  expect(pauses).toBeGreaterThanOrEqual(3)
  expect(await sha256(await new Blob(pieces as BlobPart[]).arrayBuffer())).toBe(
    await sha256(original),
  )
})
