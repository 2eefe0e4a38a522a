/**
 * Describes and opens one file of an upstream.
 *
 * @module
 */

import type { Transfer } from '../../core/bytes/resume.ts'
import { CfileError } from '../../core/errors.ts'
import { cleanFilename, stripStoredPrefix } from '../../core/http/content-disposition.ts'
import type { Gateway, Upstream } from '../gateway.ts'
import { type Content, type Description, openContent, readDescription } from './calls.ts'
import { explainMissing } from './life.ts'
import { askInTurn, type FileLocation } from './location.ts'
import { type FileFacts, type FileSource, openedFile } from './opened-file.ts'

/**
 * Chooses the name to show: the name in the annotation, else the stored name without the upstream's prefix. `undefined`
 * without either.
 *
 * @param cited `filename` of the annotation
 * @param stored last part of the path at the upstream
 */
export function displayName(
  cited: string | undefined,
  stored: string | undefined,
): string | undefined {
  const name = cited ?? (stored === undefined ? '' : stripStoredPrefix(stored))
  return name === '' ? undefined : cleanFilename(name)
}

/**
 * Creates the source of an upstream's file. The upstream is not asked before one of its functions is called.
 *
 * @param signal fires when no reader needs the file any more
 */
export function upstreamFile(
  gateway: Gateway,
  location: FileLocation,
  signal: AbortSignal,
): FileSource {
  const { fileId, filename, record, upstreams } = location
  const known = factsOf({ name: record?.stored_name, bytes: record?.bytes }, record?.type)
  // Kept, so that one download requests it once.
  let described: Description | undefined

  function factsOf({ name, bytes }: Description, type: string | undefined): FileFacts {
    const shown = displayName(filename, name) ?? fileId
    return { fileId, filename: shown, storedName: name, bytes, type }
  }

  async function ask<T>(call: Parameters<typeof askInTurn<T>>[1]) {
    try {
      return await askInTurn(upstreams, call)
    } catch (error) {
      throw await explainMissing(gateway, location, error, signal)
    }
  }

  /** Completes the facts in the headers. The description costs a second call, so it is read only if needed. */
  async function complete({ client }: Upstream, content: Content): Promise<Description> {
    const name = content.name ?? described?.name ?? record?.stored_name
    const known = described?.bytes ?? record?.bytes
    const bytes = content.size ?? known
    const isComplete = bytes !== undefined && (filename ?? name) !== undefined
    // Two lengths for one file: it changed, or one is wrong.
    const isDoubtful = known !== undefined && bytes !== known
    if (described !== undefined || (isComplete && !isDoubtful)) return checked({ name, bytes })
    // The bytes are already coming, so they are served even if the upstream can't describe them.
    described = await readDescription(client, location, signal).catch(() => ({}))
    signal.throwIfAborted()
    return checked({ name: name ?? described.name, bytes: bytes ?? described.bytes })
  }

  function checked(found: Description): Description {
    if (described?.bytes === undefined || described.bytes === found.bytes) return found
    throw new CfileError(
      'upstream_invalid',
      `The upstream announced ${found.bytes} bytes of a file that has ${described.bytes} by its own description.`,
    )
  }

  return {
    known,
    async describe() {
      const { upstream, found } = await ask((client) => readDescription(client, location, signal))
      described = found
      const { name, bytes = record?.bytes, requestId: upstreamRequestId, createdAt } = found
      const facts = factsOf({ name, bytes }, record?.type)
      return { ...facts, upstream, upstreamRequestId, createdAt }
    },
    async open(range) {
      const { upstream, found } = await ask((client) =>
        openContent(client, location, signal, range),
      )
      const told = await complete(upstream, found).catch(async (error) => {
        await found.from.body?.cancel()
        throw error
      })
      const { type, requestId: upstreamRequestId, etag } = found
      const reopen = reopenSame(gateway, upstream, location, { signal, etag, size: told.bytes })
      const facts = { ...factsOf(told, type), upstream, upstreamRequestId }
      return openedFile(gateway, facts, { opened: found, reopen }, signal)
    },
  }
}

interface First {
  readonly signal: AbortSignal
  readonly etag?: string
  readonly size?: number
}

/** Opens the file again, and refuses it if its length or validator shows that it has changed. */
export function reopenSame(
  { observed: { traces } }: Gateway,
  { client }: Upstream,
  location: FileLocation,
  { signal, etag, size }: First,
): NonNullable<Transfer['reopen']> {
  const isOther = (one: unknown, other: unknown) =>
    one !== undefined && other !== undefined && one !== other
  return async (start, end = Number.MAX_SAFE_INTEGER, closed) => {
    const range = start > 0 && start <= end ? { start, end } : undefined
    const again = await openContent(client, location, traces.either(signal, closed), range)
    if (!isOther(again.size, size) && !isOther(again.etag, etag)) return again
    await again.from.body?.cancel()
    throw new CfileError('upstream_invalid', 'The file changed during the download.')
  }
}
