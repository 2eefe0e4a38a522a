/**
 * `cfile get` and `cfile zip`: save files, or write them to the standard output.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeStream } from 'node:stream/web'
import { CfileError } from '../core/errors.ts'
import { makeFolders } from '../core/folders.ts'
import { isContainerId } from '../core/ids.ts'
import { readPayload, splitLink, splitToken } from '../core/links/spelling.ts'
import type { Env } from '../start/serve.ts'
import { type Command, defineCommand, print, type Terminal, UsageError } from './command.ts'
import { download, refusePage, type Saved } from './download.ts'
import { describeFailure, Interrupted, toErrorLine } from './failure.ts'
import {
  type Ask,
  askElsewhere,
  gatewayBase,
  listField,
  openGateway,
  textField,
} from './gateway.ts'
import { createProgress } from './progress.ts'
import { formatBytes, plain } from './text.ts'

const saveOptions = {
  output: {
    type: 'string',
    short: 'o',
    value: 'FILE',
    help: 'Write to this file; "-" writes to the standard output.',
  },
  dir: { type: 'string', short: 'D', value: 'DIR', help: 'Save into this folder, made if needed.' },
  force: { type: 'boolean', short: 'f', help: 'Replace files that exist.' },
} as const

interface SaveOptions {
  readonly output?: string
  readonly dir?: string
  readonly force?: boolean
  readonly json?: boolean
}

/** `cfile get` */
export const getCommand: Command = defineCommand({
  name: 'get',
  usage: 'ID|RESPONSE|CONTAINER|URL…',
  summary: 'Download files by id, by the response that cites them, or by URL',
  details:
    'A download that breaks off or is interrupted continues where it stopped when you run the same command again. A file gets its name only when it is complete, and no existing file is replaced without --force.',
  arguments: [
    ['ID', 'A file: cfile_…, file-… or assistant-….'],
    ['RESPONSE', 'A response, resp_…: all files that it cites.'],
    ['CONTAINER', 'A container, cntr_…: all files that the code interpreter wrote there.'],
    [
      'URL',
      'A link (https://HOST/s/… or /s/…), or any URL of a file. The key goes to CFILE_URL only.',
    ],
  ],
  options: {
    ...saveOptions,
    container: {
      type: 'string',
      short: 'c',
      value: 'ID',
      help: 'The container of the file, where the gateway does not know it.',
    },
  },
  examples: [
    ['Download a file under its own name', 'get cfile_68e9…'],
    ['Download everything that a response cites into a folder', 'get resp_68e9… --dir out'],
    ['Download from a link, under another name', 'get https://files.example.com/s/… -o chart.png'],
    ['Send a file to another program', 'get cfile_68e9… -o - | head'],
  ],
  takes: 'many',
  async run({ words, values }, terminal) {
    const subjects = words.map((word) => parseSubject(word, terminal.env, values.container))
    return saveAll(subjects, values, terminal)
  },
})

/** `cfile zip` */
export const zipCommand: Command = defineCommand({
  name: 'zip',
  usage: 'CONTAINER',
  summary: 'Download all files of a container as one zip',
  details: 'A zip that breaks off starts again, since it is made while it is sent.',
  arguments: [['CONTAINER', 'The container: cntr_….']],
  options: saveOptions,
  examples: [
    ['Save as cntr_….zip', 'zip cntr_68e9…'],
    ['Save under another name, replacing what is there', 'zip cntr_68e9… -f -o report.zip'],
  ],
  takes: 'one',
  async run({ argument: id, values }, terminal) {
    const location = `/containers/${encodeURIComponent(id)}/files.zip`
    // The gateway checks the id, and refuses it with a hint.
    return saveAll([{ kind: 'file', id, location }], values, terminal)
  },
})

type Source = (subject: FileSubject, init?: RequestInit) => Promise<Response>

async function saveAll(
  subjects: readonly Subject[],
  options: SaveOptions,
  terminal: Terminal,
): Promise<number> {
  if (options.output !== undefined && options.dir !== undefined) {
    throw new UsageError('--output and --dir exclude each other.')
  }
  let gateway: Promise<Ask> | undefined
  // Opened on demand: a link to another server needs no gateway.
  const ask: Ask = async (path, init) => {
    gateway ??= openGateway(terminal)
    return (await gateway)(path, init)
  }
  const source: Source = ({ location }, init = {}) =>
    typeof location === 'string' ? ask(location, init) : askElsewhere(location, init, terminal)
  const files: FileSubject[] = []
  for (const subject of subjects) files.push(...(await filesOf(subject, ask)))
  if (files.length === 0) throw new CfileError('not_found', 'There are no files to download.')
  if (options.output !== undefined && files.length > 1) {
    throw new UsageError(`--output takes one file, and these are ${files.length}; use --dir.`)
  }
  if (options.output === '-') return pipeOut(files, source, options)
  return saveFiles(files, source, options, terminal)
}

/** Finds the files of a response or a container. */
async function filesOf(subject: Subject, ask: Ask): Promise<FileSubject[]> {
  if (subject.kind === 'file') return [subject]
  const { id } = subject
  const answer = isContainerId(id)
    ? await ask(`/containers/${encodeURIComponent(id)}/files`)
    : await ask('/captures', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ response_id: id }),
      })
  const found = new Map<string, FileSubject>()
  for (const file of listField(await answer.json(), 'files')) {
    const fileId = textField(file, 'file_id')
    if (fileId !== undefined) found.set(fileId, fileById(fileId, textField(file, 'container_id')))
  }
  return [...found.values()]
}

async function pipeOut(
  files: readonly FileSubject[],
  source: Source,
  { json }: SaveOptions,
): Promise<number> {
  if (json) throw new UsageError('--json and --output - exclude each other.')
  for (const file of files) {
    const response = await source(file)
    refusePage(response)
    const { body } = response
    if (body === null) continue
    await pipeline(Readable.fromWeb(body as NodeStream), process.stdout, { end: false })
  }
  return 0
}

/** Saves files one after another. A file that fails is reported, and the others are saved. */
async function saveFiles(
  files: readonly FileSubject[],
  source: Source,
  options: SaveOptions,
  terminal: Terminal,
): Promise<number> {
  const { output, dir: folder = '.', force } = options
  const { signal, err, out } = terminal
  if (folder !== '.') await makeFolders(folder, { mkdir, stat, dirname })
  const progress = createProgress(err)
  const saved: Saved[] = []
  const exitCodes: number[] = []
  const written = new Set<string>()
  for (const file of files) {
    try {
      const target = {
        id: file.id,
        output,
        folder,
        force,
        written,
        signal,
        onProgress: progress.show,
      }
      const one = await download((init) => source(file, init), target).finally(progress.clear)
      saved.push(one)
      written.add(one.path)
      if (!options.json) out.write(`${lineOf(one, terminal)}\n`)
    } catch (error) {
      if (files.length === 1 || signal.aborted || error instanceof Interrupted) throw error
      const { exitCode, line } = describeFailure(error, getCommand)
      exitCodes.push(exitCode)
      err.write(toErrorLine(`${file.id}: ${line}`))
    }
  }
  if (options.json) print(terminal, { json: true, value: saved, text: () => '' })
  return exitCodes.find((code) => code !== 3) ?? exitCodes[0] ?? 0
}

/** Writes the path alone for a program, and with the size for a person. */
function lineOf({ path, bytes }: Saved, { out }: Terminal): string {
  return out.isTerminal ? `${plain(path)}  ${out.paint('dim', formatBytes(bytes))}` : path
}

/** A file to download. */
interface FileSubject {
  readonly kind: 'file'
  /** Name of the partial file of a broken download: the file's id if it is known. */
  readonly id: string
  /** A path of the gateway, or a URL of another server. */
  readonly location: string | URL
}

/** A file, or a response or container with files, as an argument names it. */
type Subject = FileSubject | { readonly kind: 'response' | 'container'; readonly id: string }

/**
 * Reads an argument: an id, a URL, or the path of a signed link.
 *
 * @param env for `CFILE_URL` and the endpoint of Azure
 * @param container id of the file's container, if it was given
 * @throws UsageError
 */
function parseSubject(word: string, env: Env, container?: string): Subject {
  if (/^resp_\w+$/.test(word)) return { kind: 'response', id: word }
  if (/^https?:/i.test(word)) return readUrl(word, env)
  if (word.startsWith('/')) return { kind: 'file', id: idIn(word), location: word }
  return isContainerId(word) ? { kind: 'container', id: word } : fileById(word, container)
}

/**
 * Creates the subject for a file.
 *
 * @param id of the file
 * @param container id of its container, if that is known
 */
function fileById(id: string, container?: string): FileSubject {
  const query = container ? `?container_id=${encodeURIComponent(container)}` : ''
  return { kind: 'file', id, location: `/files/${encodeURIComponent(id)}${query}` }
}

function readUrl(text: string, env: Env): FileSubject {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw new UsageError(`"${text}" is not a URL.`)
  // `fetch` refuses it, in a message that shows the password.
  if (url.username || url.password) throw new UsageError('A URL must not hold a user name.')
  const [, containerId, fileId] =
    /\/openai\/(?:v1\/)?containers\/([\w-]+)\/files\/([\w-]+)(?:\/content)?$/.exec(url.pathname) ??
    []
  const base = gatewayBase(env)
  const isOwn = base !== undefined && text.startsWith(`${base}/`)
  if (fileId !== undefined && (isOwn || url.host === azureHost(env))) {
    return fileById(fileId, containerId)
  }
  const location = isOwn ? text.slice(base.length) : url
  return { kind: 'file', id: idIn(url.pathname), location }
}

function azureHost({ AZURE_OPENAI_ENDPOINT: text = '' }: Env): string | undefined {
  return URL.canParse(text) ? new URL(text).host : undefined
}

/** Returns the file's id if the path or its signed link contains it, else a hash of the path. */
function idIn(path: string): string {
  const { payload = '' } = splitToken(splitLink(path)?.token ?? '') ?? {}
  const grant = readPayload(payload)?.grant
  if (grant?.kind === 'file') return grant.fileId
  const [, id] = /\/files\/([\w-]+)$/.exec(path.replace(/[?#].*$/s, '')) ?? []
  return id ?? `url-${createHash('sha256').update(path).digest('hex').slice(0, 16)}`
}
