/**
 * A served gateway, files to download from it, and a folder to download them into.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request as forward, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { type Running, serve } from '../../src/node.ts'
import { cfile, type Ended } from '../lib/child.ts'
import { type CitedFile, citedFiles, json, responseRequest } from '../lib/harness.ts'

export interface World {
  readonly url: string
  readonly folder: string
  /** Runs `cfile` in the folder, against the gateway. */
  run(args: readonly string[], options?: { env?: object; stdin?: string }): Promise<Ended>
  /** Returns the answer of the gateway to a prompt. */
  answer(prompt: string): Promise<object>
  respond(prompt: string): Promise<CitedFile[]>
}

/** Opens a gateway for the tests of a file. Each test has its own folder. */
export function openWorld(env: Readonly<Record<string, string>> = {}): World {
  let running: Running
  let folder = ''
  beforeAll(async () => {
    running = await serve({ PORT: '0', LOG_LEVEL: 'silent', CFILE_STORE: 'memory:', ...env })
  })
  afterAll(() => running.close())
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cfile-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  async function answer(prompt: string): Promise<object> {
    const key = env.CFILE_API_KEYS?.split(':')[1]
    const request = json(responseRequest(prompt))
    const headers = { ...request.headers, ...(key && { authorization: `Bearer ${key}` }) }
    const response = await fetch(`${running.url}/openai/v1/responses`, { ...request, headers })
    return response.json()
  }
  return {
    get url() {
      return running.url
    },
    get folder() {
      return folder
    },
    run: (args, { env: more, stdin } = {}) =>
      cfile(args, { cwd: folder, env: { CFILE_URL: running.url, ...more }, stdin }),
    answer,
    respond: async (prompt) => citedFiles(await answer(prompt)),
  }
}

/** A server before the gateway that cuts the first bodies short, as a connection that breaks. */
export interface Cutter {
  readonly url: string
  /** The `Range` of each request, in order. */
  readonly ranges: (string | undefined)[]
  close(): void
}

export async function openCutter(
  target: string,
  { after, times }: { after: number; times: number },
): Promise<Cutter> {
  const ranges: (string | undefined)[] = []
  let left = times
  const server: Server = createServer((req, res) => {
    ranges.push(req.headers.range)
    const outgoing = forward(
      target + req.url,
      { method: req.method, headers: req.headers },
      (got) => {
        res.writeHead(got.statusCode ?? 500, got.headers)
        let sent = 0
        got.on('data', (chunk: Buffer) => {
          sent += chunk.byteLength
          res.write(chunk, () => {
            if (left > 0 && sent >= after) {
              left -= 1
              got.destroy()
              // The bytes that were sent still arrive. A reset would lose them.
              res.socket?.destroySoon()
            }
          })
        })
        got.on('end', () => res.end())
      },
    )
    outgoing.on('error', () => res.socket?.destroy())
    req.pipe(outgoing)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ranges,
    close: () => void server.close(),
  }
}
