/**
 * Downloads into a folder. A download continues where it broke off, and gets its name only when it is complete.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { access, type FileHandle, link, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CfileError, reasonOf } from '../core/errors.ts'
import { cleanFilename, parseContentDisposition } from '../core/http/content-disposition.ts'
import { Interrupted } from './failure.ts'

/** The destination of a download. */
interface Target {
  /** The id of the file, which finds the partial file of an earlier download. */
  readonly id: string
  /** The path to write to. Without it, the file gets its own name in `folder`. */
  readonly output?: string
  readonly folder: string
  /** Whether an existing file is replaced. */
  readonly force?: boolean
  /** Paths that this run has written. A second file of the same name gets another one. */
  readonly written: ReadonlySet<string>
  readonly signal: AbortSignal
  readonly onProgress: (name: string, done: number, total: number | undefined) => void
}

/** A file that was downloaded. */
export interface Saved {
  readonly path: string
  readonly bytes: number
}

const mostAttempts = 5

/**
 * Downloads a file. A download whose connection breaks is continued, up to five times.
 *
 * @param ask sends the request; it throws for every answer but a success
 * @param target destination of the file
 * @throws CfileError of the gateway; `invalid_request` if the name is taken
 * @throws Interrupted
 */
export async function download(
  ask: (init: RequestInit) => Promise<Response>,
  target: Target,
): Promise<Saved> {
  if (target.output !== undefined) await refuseExisting(target.output, target)
  for (let attempt = 1; ; attempt++) {
    const part = await findPart(target)
    const response = await ask({ headers: part && resumeHeaders(part) }).catch(startOver(part))
    if (response === undefined) continue
    try {
      return await save(response, target)
    } catch (error) {
      await response.body?.cancel().catch(() => {})
      if (!(error instanceof BrokenConnection)) throw error
      if (target.signal.aborted) throw interrupted(error)
      if (attempt === mostAttempts) throw brokenOff(error)
    }
  }
}

async function save(response: Response, target: Target): Promise<Saved> {
  refusePage(response)
  const path = target.output ?? join(target.folder, downloadName(response, target))
  await refuseExisting(path, target)
  const part = await writePart(response, path, target)
  const { size } = await stat(part)
  await checkDigest(part, response)
  await place(part, path, target)
  return { path, bytes: size }
}

/**
 * Refuses a web page in place of a file. A gateway sends every file as an attachment, also HTML. A page without that header
 * comes from a sign-in in front of the gateway, or is a page for people.
 *
 * @throws CfileError `upstream_invalid`
 */
export function refusePage({ headers }: Response): void {
  const isPage = /^(?:text\/html|application\/xhtml\+xml)\b/i.test(
    headers.get('content-type') ?? '',
  )
  if (!isPage || /^\s*attachment/i.test(headers.get('content-disposition') ?? '')) return
  throw new CfileError(
    'upstream_invalid',
    'The server answered with a web page, not with a file.',
    {
      hint: 'Open the address in a browser: it may be a sign-in page, or a page that lists files.',
    },
  )
}

/** The partial file of an earlier download. */
interface Part {
  readonly path: string
  readonly etag: string
  readonly size: number
}

function folderOf({ output, folder }: Target): string {
  return output === undefined ? folder : dirname(output)
}

async function findPart(target: Target): Promise<Part | undefined> {
  const folder = folderOf(target)
  const names = await readdir(folder)
  const name = names.find((one) => one.startsWith(`.${target.id}.`) && one.endsWith('.part'))
  if (name === undefined) return undefined
  const path = join(folder, name)
  return { path, etag: name.slice(1, -'.part'.length), size: (await stat(path)).size }
}

/** Requests the rest, or the whole file if it has changed (RFC 9110 §13.1.5). */
function resumeHeaders({ size, etag }: Part): Record<string, string> {
  return size === 0 ? {} : { range: `bytes=${size}-`, 'if-range': `"${etag}"` }
}

/** Removes a partial file that is as long as the file: no range is left to request, so the download starts again. */
function startOver(part: Part | undefined): (error: unknown) => Promise<undefined> {
  return async (error) => {
    const isWhole = error instanceof CfileError && error.code === 'range_not_satisfiable'
    if (!isWhole || part === undefined) throw error
    await rm(part.path)
  }
}

/** The connection broke. */
class BrokenConnection extends Error {
  override readonly name = 'BrokenConnection'
  /** Whether the received bytes are kept for the next attempt. */
  isKept = false
}

async function writePart(response: Response, path: string, target: Target): Promise<string> {
  const { id } = target
  const etag = /^"([\w.-]+)"$/.exec(response.headers.get('etag') ?? '')?.[1]
  const isKept = etag?.startsWith(`${id}.`) ?? false
  const name = isKept ? `.${etag}.part` : `.${id}-${process.pid}.part`
  const part = join(folderOf(target), name)
  // Not truncated: a second download of the same file writes the same bytes to the same places.
  const file = await open(part, constants.O_CREAT | constants.O_WRONLY, 0o644)
  try {
    await writeBody(file, response, (done, total) => target.onProgress(path, done, total))
    await file.sync()
    return part
  } catch (error) {
    if (!isKept) await rm(part, { force: true })
    if (error instanceof BrokenConnection) error.isKept = isKept
    throw error
  } finally {
    await file.close()
  }
}

async function writeBody(
  file: FileHandle,
  response: Response,
  onProgress: (done: number, total: number | undefined) => void,
): Promise<void> {
  const [, first = '0', total] =
    /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? []
  const length = total ?? response.headers.get('content-length') ?? undefined
  const size = length === undefined ? undefined : Number(length)
  let at = response.status === 206 ? Number(first) : 0
  onProgress(at, size)
  for await (const chunk of chunksOf(response)) {
    await file.write(chunk, 0, chunk.byteLength, at)
    at += chunk.byteLength
    onProgress(at, size)
  }
  if (size !== undefined && at < size) {
    throw new BrokenConnection('', { cause: new Error('the body ended early') })
  }
  // An earlier file of the same name may have been longer.
  await file.truncate(at)
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader()
  while (reader !== undefined) {
    const { done, value } = await reader.read().catch((cause) => {
      throw new BrokenConnection('', { cause })
    })
    if (done) return
    yield value
  }
}

/** Compares the bytes with the SHA-256 in the answer, if it has one (RFC 9530). */
async function checkDigest(path: string, { headers }: Response): Promise<void> {
  const [, expected] = /\bsha-256=:([\w+/=]+):/.exec(headers.get('repr-digest') ?? '') ?? []
  if (expected === undefined) return
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  if (hash.digest('base64') === expected) return
  await rm(path)
  throw new CfileError('upstream_error', 'The bytes that came do not match their SHA-256.', {
    hint: 'Run the same command again to download the whole file.',
  })
}

/** Gives the complete file its name, in one step. */
async function place(part: string, path: string, { force }: Target): Promise<void> {
  if (force) return rename(part, path)
  try {
    // Unlike a rename, a link never replaces anything.
    await link(part, path)
    await rm(part)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') throw fileExists(path)
    // Some file systems have no links.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw error
    await rename(part, path)
  }
}

async function refuseExisting(path: string, { force }: Target): Promise<void> {
  const exists = await access(path).then(
    () => true,
    () => false,
  )
  if (exists && !force) throw fileExists(path)
}

function fileExists(path: string): CfileError {
  return new CfileError('invalid_request', `${path} exists already.`, {
    hint: 'Add -f to replace it, or -o for another name.',
  })
}

function brokenOff({ cause, isKept }: BrokenConnection): CfileError {
  return new CfileError('upstream_error', `The download broke off: ${reasonOf(cause)}.`, {
    hint: isKept ? continues : 'Run the same command again to start from the beginning.',
    cause,
  })
}

const continues = 'Run the same command again to continue it.'

function interrupted({ isKept }: BrokenConnection): Interrupted {
  return new Interrupted(isKept ? `The download was interrupted. ${continues}` : 'Interrupted.')
}

// In bytes; file systems take 255, and some less.
const longestName = 200

interface NameOptions {
  /** The name if the server sends none. */
  readonly id: string
  readonly folder: string
  /** Paths that are taken. */
  readonly written: ReadonlySet<string>
}

/** Returns the name that the server sends, without separators and without a leading dot, so that it stays in the folder. */
function downloadName(response: Response, { id, folder, written }: NameOptions): string {
  const { extended, plain } = parseContentDisposition(response.headers.get('content-disposition'))
  const name = cleanFilename(extended ?? plain ?? '').replace(/^\./, '_')
  const { stem, ending } = split(name === '' ? id : name)
  // Two files of one response may have the same name.
  for (let count = 1; ; count++) {
    const suffix = count === 1 ? '' : ` (${count})`
    const one = shorten(stem, ending, suffix)
    if (!written.has(join(folder, one))) return one
  }
}

function split(name: string): { stem: string; ending: string } {
  const ending = /.(\.\w{1,10})$/.exec(name)?.[1] ?? ''
  return { stem: name.slice(0, name.length - ending.length), ending }
}

function shorten(stem: string, ending: string, suffix: string): string {
  let kept = stem
  while (Buffer.byteLength(kept + suffix + ending) > longestName) kept = kept.slice(0, -1)
  return kept.toWellFormed() + suffix + ending
}
