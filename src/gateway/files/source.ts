/**
 * Source: where the bytes of a file come from, a copy of ours or the upstream, alike for whoever wants them.
 *
 * @module
 */

import type { ArchivedFile } from '../../archives/archive.ts'
import { DamagedCopy } from '../../core/bytes/damaged-copy.ts'
import type { OpenedBody, Transfer } from '../../core/bytes/resume.ts'
import { CfileError, isCfileError } from '../../core/errors.ts'
import type { ByteRange } from '../../core/http/range.ts'
import { discardCopy } from '../archive/damaged.ts'
import { findCopy, findLastCopy } from '../archive/find.ts'
import type { Gateway, Upstream } from '../gateway.ts'
import { type Content, openRange } from '../upstreams/content.ts'
import { explainMissing } from '../upstreams/expired.ts'
import { askInTurn, readFacts, type FileFacts as UpstreamFacts } from '../upstreams/file.ts'
import { type DeliveredFile, displayName } from './headers.ts'
import type { FileLocation } from './locate.ts'

/** What is known of a file. */
export interface FileFacts extends DeliveredFile {
  /** The upstream's own name for it. */
  readonly storedName?: string
  /** Unix seconds. */
  readonly createdAt?: number
  readonly upstream?: Upstream
}

/** A file's bytes, unread. */
export interface OpenedFile {
  readonly facts: FileFacts
  readonly opened: OpenedBody
  readonly reopen: Transfer['reopen']
}

/** A file that can be read. */
export interface FileSource {
  /** Which of the two takes the time. */
  readonly timed: 'archiveMs' | 'upstreamMs'
  /** What is known without asking; it may be old. */
  readonly known: FileFacts
  /** Finds out that the file is there, and how long it is; no content is opened. */
  describe(): Promise<FileFacts>
  /** Opens the bytes, at the start of the range or before it. */
  open(range?: ByteRange): Promise<OpenedFile>
}

/**
 * A file in the archive. Where a copy breaks off on its way, the upstream takes over while it has the file; where it
 * turns out to be damaged, only if nothing of it was sent.
 */
function copySource(
  gateway: Gateway,
  location: FileLocation,
  copy: ArchivedFile,
  signal: AbortSignal,
): FileSource {
  const { fileId, filename } = location
  const { bytes, sha256, meta } = copy
  const name = displayName(filename, meta.name) ?? fileId
  const createdAt = meta.created_at
  const known = { fileId, filename: name, bytes, sha256, type: meta.type, createdAt }
  const openAt = async (start: number, end: number, signal: AbortSignal): Promise<OpenedBody> =>
    start > end
      ? { from: { body: null }, at: start }
      : { from: { body: await copy.open({ range: { start, end }, signal }) }, at: start }
  const openUpstream = async (start: number, end: number, signal: AbortSignal) => {
    const { facts, opened } = await upstreamSource(gateway, location, signal).open({ start, end })
    if (facts.bytes === bytes) return opened
    await opened.from.body?.cancel()
    throw new CfileError('upstream_invalid', 'The file is not the one that was copied.')
  }
  let isDamaged = false
  return {
    timed: 'archiveMs',
    known,
    describe: async () => known,
    open: async ({ start, end } = { start: 0, end: bytes - 1 }) => ({
      facts: known,
      opened: await openAt(start, end, signal),
      async reopen(from, last = end, closed, cause) {
        if (cause instanceof DamagedCopy) {
          isDamaged = true
          await discardCopy(gateway, copy, cause)
          if (from > start) throw sentDamaged(cause)
        }
        const either = gateway.observed.traces.either(signal, closed)
        return openUpstream(from, last, either).catch((error) => {
          if (isDamaged) throw error
          return openAt(from, last, either)
        })
      },
    }),
  }
}

function sentDamaged(cause: unknown): CfileError {
  return new CfileError('internal_error', 'The copy of the file is damaged; it is made anew.', {
    hint: 'Download the file again.',
    cause,
  })
}

/** A file where it was made. */
export function upstreamSource(
  gateway: Gateway,
  location: FileLocation,
  signal: AbortSignal,
): FileSource {
  const { fileId, filename, record } = location
  const known = factsOf({ name: record?.stored_name, bytes: record?.bytes }, record?.type)
  // What was asked once is not asked again for the same answer.
  let described: UpstreamFacts | undefined

  function factsOf({ name, bytes }: UpstreamFacts, type: string | undefined): FileFacts {
    const shown = displayName(filename, name) ?? fileId
    return { fileId, filename: shown, storedName: name, bytes, type }
  }

  async function asked<T>(ask: Parameters<typeof askInTurn<T>>[1]) {
    try {
      return await askInTurn(location.upstreams, ask)
    } catch (error) {
      throw await explainMissing(gateway, location, error, signal)
    }
  }

  /** A second call only where the first did not tell: it would cost most of the rate of small files. */
  async function complete(upstream: Upstream, content: Content): Promise<UpstreamFacts> {
    const name = content.name ?? described?.name ?? record?.stored_name
    const known = described?.bytes ?? record?.bytes
    const bytes = content.size ?? known
    const isTold = bytes !== undefined && (filename ?? name) !== undefined
    // Two lengths for one file: it changed, or one is a lie.
    const isDoubtful = known !== undefined && bytes !== known
    if (described !== undefined || (isTold && !isDoubtful)) return checked({ name, bytes })
    // The bytes are on their way already: an upstream that can't describe them is no reason to refuse them.
    described = await readFacts(upstream.client, location, signal).catch(() => ({}))
    signal.throwIfAborted()
    return checked({ name: name ?? described.name, bytes: bytes ?? described.bytes })
  }

  function checked(facts: UpstreamFacts): UpstreamFacts {
    if (described?.bytes === undefined || described.bytes === facts.bytes) return facts
    throw new CfileError(
      'upstream_invalid',
      `The upstream announced ${facts.bytes} bytes of a file that has ${described.bytes} by its own description.`,
    )
  }

  return {
    timed: 'upstreamMs',
    known,
    async describe() {
      const { upstream, found } = await asked((client) => readFacts(client, location, signal))
      described = found
      const bytes = found.bytes ?? record?.bytes
      const facts = factsOf({ name: found.name, bytes }, record?.type)
      const { requestId: upstreamRequestId, createdAt } = found
      return { ...facts, upstream, upstreamRequestId, createdAt }
    },
    async open(range) {
      const { upstream, found } = await asked((_, upstream) =>
        openRange(upstream, location, signal, range),
      )
      const told = await complete(upstream, found).catch(async (error) => {
        await found.from.body?.cancel()
        throw error
      })
      const first = { signal, etag: found.etag, size: told.bytes }
      return {
        facts: { ...factsOf(told, found.type), upstream, upstreamRequestId: found.requestId },
        opened: found,
        reopen: reopenSame(gateway, upstream, location, first),
      }
    },
  }
}

interface First {
  readonly signal: AbortSignal
  readonly etag?: string
  readonly size?: number
}

/** Opens it again, and refuses what the length or the validator shows to be another file. */
function reopenSame(
  { observed: { traces } }: Gateway,
  upstream: Upstream,
  location: FileLocation,
  { signal, etag, size }: First,
): Transfer['reopen'] {
  const isOther = (one: unknown, other: unknown) =>
    one !== undefined && other !== undefined && one !== other
  return async (start, end = Number.MAX_SAFE_INTEGER, closed) => {
    const range = start > 0 && start <= end ? { start, end } : undefined
    const again = await openRange(upstream, location, traces.either(signal, closed), range)
    if (!isOther(again.size, size) && !isOther(again.etag, etag)) return again
    await again.from.body?.cancel()
    throw new CfileError('upstream_invalid', 'The file changed while it was on its way.')
  }
}

/**
 * Lets something use the caller's copy of a file, or the upstream where there is none that can be read. Where the upstream
 * has the file no more, the archive is given more time to say that it has it.
 *
 * @throws CfileError `not_ready` where it does not answer even then
 */
export async function fromSource<T>(
  gateway: Gateway,
  location: FileLocation,
  signal: AbortSignal,
  use: (source: FileSource) => Promise<T>,
  useUpstream: () => Promise<T> = () => use(upstreamSource(gateway, location, signal)),
): Promise<T> {
  const { fileId, holder } = location
  const copy = holder && (await findCopy(gateway, holder, fileId, signal))
  if (copy !== undefined) {
    try {
      return await use(copySource(gateway, location, copy, signal))
    } catch (error) {
      if (!isCopyFailure(error)) throw error
      if (error instanceof DamagedCopy) await discardCopy(gateway, copy, error)
      gateway.log('warn', 'A copy could not be read; the upstream is asked.', {
        cause: String(error),
      })
    }
  }
  return useUpstream().catch(async (error) => {
    const isLost = isCfileError(error) && error.code === 'container_expired'
    const last =
      isLost && holder !== undefined && (await findLastCopy(gateway, holder, fileId, signal))
    if (!last) throw error
    return use(copySource(gateway, location, last, signal)).catch(async (failure) => {
      if (!(failure instanceof DamagedCopy)) throw failure
      await discardCopy(gateway, last, failure)
      throw error
    })
  })
}

function isCopyFailure(error: unknown): boolean {
  if (error instanceof DamagedCopy) return true
  return isCfileError(error) && (error.code === 'not_ready' || error.code === 'file_not_found')
}
