/**
 * `cfile ls` and `cfile capture`: files, one a line.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { type Command, readArgs } from './args.ts'
import { type Ask, openGateway } from './gateway.ts'
import { align } from './table.ts'

/** A file, as `/containers/{id}/files` and `/captures` tell of it. */
interface ListedFile {
  readonly container_id?: string | null
  readonly file_id: string
  readonly filename?: string | null
  readonly path?: string | null
  readonly bytes?: number | null
  readonly created_at?: number | null
}

const json = { json: { type: 'boolean' } } as const

/** `cfile ls CONTAINER` */
export const lsCommand: Command = {
  usage: 'CONTAINER [--all] [--json]',
  summary: 'list what the code interpreter wrote; --all with the inputs',
  async run(args) {
    const { argument: id, values } = readArgs(args, { ...json, all: { type: 'boolean' } })
    const path = `/containers/${encodeURIComponent(id)}/files${values.all ? '?all=1' : ''}`
    const ask = await openGateway(process.env)
    const answer = await ask(path)
    return print(answer, values, ({ file_id, bytes, created_at, path, filename }) => [
      file_id,
      bytes ?? '-',
      created_at ? new Date(created_at * 1000).toISOString().replace('.000', '') : '-',
      path ?? filename ?? '-',
    ])
  },
}

/** `cfile capture FILE|-|resp_…` */
export const captureCommand: Command = {
  usage: 'FILE|-|RESPONSE [--json]',
  summary: 'record what an answer cites: JSON or SSE from a file, or by its id',
  async run(args) {
    const { argument, values } = readArgs(args, json)
    const answer = await postCapture(await openGateway(process.env), argument)
    return print(answer, values, ({ file_id, container_id, filename }) => [
      file_id,
      container_id ?? '-',
      filename ?? '-',
    ])
  },
}

async function postCapture(ask: Ask, argument: string): Promise<Response> {
  if (/^resp_\w+$/.test(argument)) {
    return post(ask, 'application/json', JSON.stringify({ response_id: argument }))
  }
  const body = argument === '-' ? await buffer(process.stdin) : await readFile(argument)
  const isJson = /^[\s\uFEFF]*\{/.test(body.subarray(0, 64).toString())
  return post(ask, isJson ? 'application/json' : 'text/event-stream', body)
}

function post(ask: Ask, type: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response> {
  return ask('/captures', { method: 'POST', headers: { 'content-type': type }, body })
}

async function print(
  answer: Response,
  { json }: { readonly json?: boolean },
  columns: (file: ListedFile) => (string | number)[],
): Promise<number> {
  const { files } = (await answer.json()) as { files: ListedFile[] }
  const lines = json ? [JSON.stringify(files, null, 2)] : align(files.map(columns))
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
  return 0
}
