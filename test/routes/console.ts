/**
 * A server whose console is read, as its operator reads it.
 *
 * @module
 */

import { expect, onTestFinished, vi } from 'vitest'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { serve } from '../../src/node.ts'
import { patient } from '../lib/child.ts'
import { type CitedFile, citedFiles, json, responseRequest } from '../lib/harness.ts'
import { serveApp } from '../lib/served.ts'

export type Line = Readonly<Record<string, unknown>>

export interface Server {
  readonly url: string
  /** Everything that was written to the console. */
  output(): string
  /** The lines of the access log for a route. */
  linesOf(route: string): Line[]
  /** Waits for the first of these lines. */
  lineOf(route: string): Promise<Line>
}

const methods = ['debug', 'info', 'warn', 'error'] as const

/** Starts a server before an upstream; without one, before the built-in emulator. */
export async function open(env: Record<string, string> = {}, upstream?: string): Promise<Server> {
  const written: string[] = []
  for (const method of methods) {
    vi.spyOn(console, method).mockImplementation((line: string) => void written.push(line))
  }
  const azure = upstream && {
    AZURE_OPENAI_ENDPOINT: upstream,
    AZURE_OPENAI_API_KEY: 'azure-key-hush',
  }
  const server = await serve({ PORT: '0', CFILE_STORE: 'memory:', ...azure, ...env })
  onTestFinished(async () => {
    await server.close()
    vi.restoreAllMocks()
  })
  const linesOf = (route: string): Line[] =>
    written
      .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
      .filter((line) => line.route === route)
  return {
    url: server.url,
    output: () => written.join('\n'),
    linesOf,
    async lineOf(route) {
      await expect.poll(() => linesOf(route), patient).not.toEqual([])
      return linesOf(route)[0] ?? {}
    },
  }
}

export async function openEmulator(): Promise<string> {
  const azure = await serveApp(createEmulator())
  onTestFinished(azure.close)
  return azure.url
}

export async function respond(
  url: string,
  prompt: string,
  headers: object = {},
): Promise<CitedFile> {
  const request = json(responseRequest(prompt))
  const answer = await fetch(`${url}/openai/v1/responses`, {
    ...request,
    headers: { ...request.headers, ...headers },
  })
  const [file] = citedFiles(await answer.json())
  if (file === undefined) throw new Error('Nothing was cited.')
  return file
}
