/**
 * `cfile ls` and `cfile capture`: lists of files.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { type Command, defineCommand, print, type Terminal } from './command.ts'
import { type Ask, listField, numberField, openGateway, textField } from './gateway.ts'
import { type Column, formatAge, formatBytes, formatTable } from './text.ts'

const none = '-'

const idColumn: Column<unknown> = {
  title: 'FILE ID',
  value: (file) => textField(file, 'file_id') ?? none,
}
const containerColumn: Column<unknown> = {
  title: 'CONTAINER',
  value: (file) => textField(file, 'container_id') ?? none,
}
const sizeColumn: Column<unknown> = {
  title: 'SIZE',
  isNumber: true,
  value: (file) => numberField(file, 'bytes') ?? none,
  terminalText(file) {
    const bytes = numberField(file, 'bytes')
    return bytes === undefined ? none : formatBytes(bytes)
  },
}
const timeColumn: Column<unknown> = {
  title: 'CREATED',
  value(file) {
    const seconds = numberField(file, 'created_at')
    return seconds ? new Date(seconds * 1000).toISOString().replace('.000', '') : none
  },
  terminalText(file) {
    const seconds = numberField(file, 'created_at')
    return seconds ? formatAge(Date.now() / 1000 - seconds) : none
  },
}
const pathColumn: Column<unknown> = {
  title: 'FILE',
  isFlexible: true,
  value: (file) => textField(file, 'path') ?? textField(file, 'filename') ?? none,
  // Every file is below this folder.
  terminalText: (file) => String(pathColumn.value(file)).replace(/^\/mnt\/data\//, ''),
}
const nameColumn: Column<unknown> = {
  title: 'FILE',
  isFlexible: true,
  value: (file) => textField(file, 'filename') ?? none,
}

/** `cfile ls` */
export const lsCommand: Command = defineCommand({
  name: 'ls',
  usage: 'CONTAINER',
  summary: 'List the files of a container',
  details:
    'A terminal shows sizes and ages for people. A pipe gets exact bytes and times, without titles.',
  arguments: [['CONTAINER', 'The container: cntr_….']],
  options: { all: { type: 'boolean', short: 'a', help: 'Include the files that were uploaded.' } },
  examples: [
    ['List what the code interpreter wrote', 'ls cntr_68e9…'],
    ['The ids of all files, for a script', 'ls cntr_68e9… --json | jq -r .[].file_id'],
  ],
  takes: 'one',
  async run({ argument: id, values }, terminal) {
    const path = `/containers/${encodeURIComponent(id)}/files${values.all ? '?all=1' : ''}`
    const answer = await (await openGateway(terminal))(path)
    const columns = [idColumn, sizeColumn, timeColumn, pathColumn]
    return printFiles(terminal, await answer.json(), columns, values.json)
  },
})

/** `cfile capture` */
export const captureCommand: Command = defineCommand({
  name: 'capture',
  usage: 'FILE|-|RESPONSE',
  summary: 'Record the files that an answer of Azure cites',
  details:
    'Use it for answers that did not pass through the gateway. Afterwards their files can be downloaded by id, and are archived where the gateway has an archive.',
  arguments: [
    ['FILE', 'An answer as JSON, or as a transcript of server-sent events.'],
    ['-', 'The same, from the standard input.'],
    ['RESPONSE', 'The id of a stored response: resp_….'],
  ],
  options: {},
  examples: [
    ['Record the files of a stored response', 'capture resp_68e9…'],
    ['Record the files of an answer in a file', 'capture answer.json'],
  ],
  takes: 'one',
  async run({ argument, values }, terminal) {
    const answer = await postCapture(await openGateway(terminal), argument)
    // A terminal of 80 columns has no room for both ids.
    const columns = terminal.out.isTerminal
      ? [idColumn, nameColumn]
      : [idColumn, containerColumn, nameColumn]
    return printFiles(terminal, await answer.json(), columns, values.json)
  },
})

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

function printFiles(
  terminal: Terminal,
  answer: unknown,
  columns: readonly Column<unknown>[],
  json?: boolean,
): number {
  const files = listField(answer, 'files')
  if (files.length === 0 && !json && terminal.err.isTerminal) terminal.err.write('No files.\n')
  const text = () => (files.length === 0 ? '' : formatTable(columns, files, terminal.out))
  print(terminal, { json, value: files, text })
  return 0
}
