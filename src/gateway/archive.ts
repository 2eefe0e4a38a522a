/**
 * Archive: copies of files that outlive their containers.
 *
 * @module
 */

import type { ArchivedFile } from '../archives/archive.ts'
import type { Caller, Gateway } from './gateway.ts'

/** The caller's copy of a file; `undefined` where there is none, and where the archive does not answer. */
export async function findCopy(
  { archiving, log }: Gateway,
  caller: Caller,
  fileId: string,
  signal: AbortSignal,
): Promise<ArchivedFile | undefined> {
  try {
    return await archiving?.archive.get(`${caller.key}/${fileId}`, { signal })
  } catch (error) {
    signal.throwIfAborted()
    log('warn', 'The archive does not answer.', { cause: String(error) })
    return undefined
  }
}
