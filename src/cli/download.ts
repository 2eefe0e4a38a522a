/**
 * A download into a folder: taken up where it broke off, and under its name only when it is whole.
 *
 * @module
 */

import { constants } from 'node:fs'
import { access, type FileHandle, link, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CfileError, reasonOf } from '../core/errors.ts'
import { cleanFilename, parseContentDisposition } from '../core/http/content-disposition.ts'
import type { Ask } from './gateway.ts'

/** Where a download goes. */
export interface Target {
  /** The id that is downloaded: a part of a download is found by it. */
  readonly id: string
  /** A path; without it, the name that the file has, in the working directory. */
  readonly output?: string
  /** Whether what has the name is replaced. */
  readonly force?: boolean
  /** Is told how many bytes are there, and of how many if that is known. */
  readonly onProgress?: (done: number, total: number | undefined) => void
}

const mostAttempts = 5

/**
 * Downloads a file, and takes it up again where the connection breaks; resolves to the path of the file.
 *
 * @throws CfileError of the gateway; `invalid_request` for a name that is taken
 */
export async function download(ask: Ask, path: string, target: Target): Promise<string> {
  if (target.output !== undefined) await refuseTaken(target.output, target)
  for (let attempt = 1; ; attempt++) {
    const part = await findPart(target)
    const response = await ask(path, { headers: part && resumeHeaders(part) }).catch(
      startOver(part),
    )
    if (response === undefined) continue
    const name = target.output ?? nameOf(response, target.id)
    try {
      await refuseTaken(name, target)
      const written = await writePart(response, target)
      await place(written, name, target)
      return name
    } catch (error) {
      await response.body?.cancel().catch(() => {})
      if (!(error instanceof Cut)) throw error
      if (attempt === mostAttempts) throw brokenOff(error.cause)
    }
  }
}

/** What is there of a file, and the validator of the bytes. */
interface Part {
  readonly path: string
  readonly etag: string
  readonly size: number
}

async function findPart({ id, output }: Target): Promise<Part | undefined> {
  const folder = output === undefined ? '.' : dirname(output)
  const names = await readdir(folder)
  const name = names.find((one) => one.startsWith(`.${id}.`) && one.endsWith('.part'))
  if (name === undefined) return undefined
  const path = join(folder, name)
  return { path, etag: name.slice(1, -'.part'.length), size: (await stat(path)).size }
}

/** Only the rest, and all of it should the file be another by now (RFC 9110 §13.1.5). */
function resumeHeaders({ size, etag }: Part): Record<string, string> {
  return size === 0 ? {} : { range: `bytes=${size}-`, 'if-range': `"${etag}"` }
}

/** A part as long as the file, of which nothing is left to ask for, is begun anew. */
function startOver(part: Part | undefined): (error: unknown) => Promise<undefined> {
  return async (error) => {
    const isWhole = error instanceof CfileError && error.code === 'range_not_satisfiable'
    if (!isWhole || part === undefined) throw error
    await rm(part.path)
  }
}

/** The connection broke; what came so far is kept. */
class Cut extends Error {
  override readonly name = 'Cut'
}

async function writePart(response: Response, target: Target): Promise<string> {
  const { id, output } = target
  const etag = /^"([\w.-]+)"$/.exec(response.headers.get('etag') ?? '')?.[1]
  const folder = output === undefined ? '.' : dirname(output)
  const isKept = etag?.startsWith(`${id}.`)
  const path = join(folder, isKept ? `.${etag}.part` : `.${id}-${process.pid}.part`)
  // Not cut: whoever downloads the same at the same time writes the same bytes to the same places.
  const file = await open(path, constants.O_CREAT | constants.O_WRONLY, 0o644)
  try {
    await writeBody(file, response, target)
    await file.sync()
    return path
  } catch (error) {
    if (!isKept) await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

async function writeBody(file: FileHandle, response: Response, target: Target): Promise<void> {
  const [, first = '0', total] =
    /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? []
  const length = total ?? response.headers.get('content-length') ?? undefined
  const size = length === undefined ? undefined : Number(length)
  let at = response.status === 206 ? Number(first) : 0
  for await (const chunk of chunksOf(response)) {
    await file.write(chunk, 0, chunk.byteLength, at)
    at += chunk.byteLength
    target.onProgress?.(at, size)
  }
  if (size !== undefined && at < size) throw new Cut('', { cause: new Error('it ended early') })
  // What an earlier file of the name left behind the end.
  await file.truncate(at)
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader()
  while (reader !== undefined) {
    const { done, value } = await reader.read().catch((cause) => {
      throw new Cut('', { cause })
    })
    if (done) return
    yield value
  }
}

/** Gives the whole file its name in one step. */
async function place(path: string, name: string, { force }: Target): Promise<void> {
  if (force) return rename(path, name)
  try {
    // Unlike a rename, a link never replaces anything.
    await link(path, name)
    await rm(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') throw taken(name)
    // Not every file system has links.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw error
    await rename(path, name)
  }
}

async function refuseTaken(name: string, { force }: Target): Promise<void> {
  const isThere = await access(name).then(
    () => true,
    () => false,
  )
  if (isThere && !force) throw taken(name)
}

function taken(name: string): CfileError {
  return new CfileError('invalid_request', `${name} is there already.`, {
    hint: 'Add -f to replace it, or -o for another name.',
  })
}

function brokenOff(cause: unknown): CfileError {
  return new CfileError('upstream_error', `The download broke off: ${reasonOf(cause)}.`, {
    hint: 'The same command takes it up where it ended.',
    cause,
  })
}

/** The name that the gateway gives, which leads out of no folder and hides nothing. */
export function nameOf(response: Response, fallback: string): string {
  const { extended, plain } = parseContentDisposition(response.headers.get('content-disposition'))
  const name = cleanFilename(extended ?? plain ?? '').replace(/^\./, '_')
  return name === '' ? fallback : shorten(name)
}

// In bytes; file systems take 255, and some less.
const longestName = 200

function shorten(name: string): string {
  if (Buffer.byteLength(name) <= longestName) return name
  const ending = /\.\w{1,10}$/.exec(name)?.[0] ?? ''
  let stem = name.slice(0, name.length - ending.length)
  while (Buffer.byteLength(stem + ending) > longestName) stem = stem.slice(0, -1)
  return stem.toWellFormed() + ending
}
