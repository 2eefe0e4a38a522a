/**
 * `cfile get` and `cfile zip`: bytes into a file, or to the standard output.
 *
 * @module
 */

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeStream } from 'node:stream/web'
import { type Command, readArgs } from './args.ts'
import { download } from './download.ts'
import { openGateway } from './gateway.ts'

const output = {
  output: { type: 'string', short: 'o' },
  force: { type: 'boolean', short: 'f' },
} as const

interface SaveOptions {
  readonly output?: string
  readonly force?: boolean
}

/** `cfile get ID` */
export const getCommand: Command = {
  usage: 'ID [-o FILE|-] [-f] [--container ID]',
  summary: 'download a file, taken up where it broke off before',
  async run(args) {
    const { argument: id, values } = readArgs(args, { ...output, container: { type: 'string' } })
    const query = values.container ? `?container_id=${encodeURIComponent(values.container)}` : ''
    return save(`/files/${encodeURIComponent(id)}${query}`, id, values)
  },
}

/** `cfile zip CONTAINER` */
export const zipCommand: Command = {
  usage: 'CONTAINER [-o FILE|-] [-f]',
  summary: 'download all files of a container as one zip',
  async run(args) {
    const { argument: id, values } = readArgs(args, output)
    return save(`/containers/${encodeURIComponent(id)}/files.zip`, id, values)
  },
}

async function save(path: string, id: string, options: SaveOptions): Promise<number> {
  const ask = await openGateway(process.env)
  if (options.output === '-') {
    const { body } = await ask(path)
    if (body !== null) {
      await pipeline(Readable.fromWeb(body as NodeStream), process.stdout, { end: false })
    }
    return 0
  }
  const progress = openProgress()
  // An id that is none is refused before anything is named after it.
  const name = await download(ask, path, { id, ...options, onProgress: progress?.show })
  progress?.clear()
  process.stdout.write(`${name}\n`)
  return 0
}

interface Progress {
  show(done: number, total: number | undefined): void
  clear(): void
}

const showEvery = 100

/** A line that is written over itself, where somebody looks at it. */
function openProgress(): Progress | undefined {
  const { stderr } = process
  if (!stderr.isTTY) return undefined
  let shownAt = 0
  return {
    show(done, total) {
      if (Date.now() - shownAt < showEvery) return
      shownAt = Date.now()
      const share = total ? `${Math.floor((100 * done) / total)} % of ${megabytes(total)}` : ''
      stderr.write(`\r\x1b[K${share || megabytes(done)}`)
    },
    clear: () => void stderr.write('\r\x1b[K'),
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
