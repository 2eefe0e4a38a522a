/**
 * Sizes of the files of a container, which tell which file an inline picture is.
 *
 * @module
 */

import { startDeadline } from '../../core/time.ts'
import type { Source } from '../capture/capture.ts'
import type { Gateway } from '../gateway.ts'
import { listFiles } from './listing.ts'

// Short, since an answer waits for it.
const timeoutMs = 10_000

/** Reads the sizes (bytes) of the files of a container by file id. Empty when listing fails or takes too long. */
export async function readFileSizes(
  gateway: Gateway,
  { caller, upstream }: Source,
  containerId: string,
): Promise<ReadonlyMap<string, number>> {
  const { signal, clear } = startDeadline(gateway.runtime.wait, timeoutMs)
  try {
    const query = { containerId, upstream, isGranted: true, signal }
    const { files } = await listFiles(gateway, caller, query)
    return new Map(files.flatMap(({ id, bytes }) => (bytes === null ? [] : [[id, bytes]])))
  } catch (error) {
    gateway.log('warn', 'A container could not be listed, so its pictures stay in the answer.', {
      cause: String(error),
    })
    return new Map()
  } finally {
    clear()
  }
}
