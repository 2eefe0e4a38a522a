/**
 * What `cfile doctor` checks about the store and the archive: it writes, reads and erases a probe in each.
 *
 * @module
 */

import type { Archive } from '../archives/archive.ts'
import { CfileError, isCfileError, reasonOf } from '../core/errors.ts'
import { type Wait, within } from '../core/time.ts'
import type { Log } from '../gateway/gateway.ts'
import type { Runtime } from '../runtime.ts'
import { openApp } from '../start/open-app.ts'
import { openStorage } from '../start/server-storage.ts'
import type { Settings } from '../start/settings/settings.ts'
import type { Store } from '../stores/store.ts'
import { type Finding, failed } from './examine.ts'

const probeMs = 15_000

/** Opens the store and the archive as the server would, and tries both. */
export async function examineStorage(
  settings: Settings,
  { fetch, wait }: Pick<Runtime, 'fetch' | 'wait'>,
): Promise<Finding[]> {
  const logged = createMemory()
  try {
    const { store, archive, close } = await openStorage(settings, logged.log, { fetch })
    try {
      // This checks the settings that only fit together at the start.
      if (settings.upstreams.length > 0) openApp(settings, { store, archive, log: logged.log })
      return [
        await examineStore(settings, store, wait, logged.last),
        await examineArchive(settings, archive, wait),
      ]
    } finally {
      await close()
    }
  } catch (error) {
    if (isCfileError(error)) return [failed('settings', error)]
    throw error
  }
}

type Told = Readonly<Record<string, unknown>>

/** Keeps the last error in the log: a connection reports the cause of a failure only there. */
function createMemory(): { readonly log: Log; last(): Told } {
  let last: Told = {}
  return {
    log(level, _, fields) {
      if (level === 'error') last = fields ?? {}
    },
    last: () => last,
  }
}

async function examineStore(
  { store: setting, dataDir }: Settings,
  store: Store,
  wait: Wait,
  lastTold: () => Told,
): Promise<Finding> {
  const found = `${setting?.kind ?? `sqlite in ${dataDir}`}: written, read and erased`
  try {
    await within(wait, probeMs, undefined, () => tryStore(store))
    return { state: 'ok', what: 'store', found }
  } catch (error) {
    const { cause, hint } = lastTold()
    const { details = {} } = isCfileError(error) ? error : {}
    return {
      state: 'failed',
      what: 'store',
      found: `can't be used: ${typeof cause === 'string' ? cause : reasonOf(error)}`,
      cure: details.hint ?? (typeof hint === 'string' ? hint : 'Check CFILE_STORE.'),
    }
  }
}

async function tryStore(store: Store): Promise<void> {
  const key = `probe/${crypto.randomUUID()}`
  await store.put(key, key, { ttl: 60 })
  if ((await store.get(key)) !== key) throw lost()
  await store.delete(key)
}

async function examineArchive(
  { archive: setting }: Settings,
  archive: Archive | undefined,
  wait: Wait,
): Promise<Finding> {
  const what = 'archive'
  if (setting === undefined || archive === undefined) {
    return { state: 'note', what, found: 'off: files are lost when their container expires' }
  }
  try {
    await within(wait, probeMs, undefined, (signal) => tryArchive(archive, signal))
    return { state: 'ok', what, found: `${setting.kind}: written, read and erased` }
  } catch (error) {
    if (isCfileError(error)) return failed(what, error)
    return { state: 'failed', what, found: reasonOf(error), cure: 'Check CFILE_ARCHIVE.' }
  }
}

async function tryArchive(archive: Archive, signal: AbortSignal): Promise<void> {
  const key = `doctor/${crypto.randomUUID()}`
  const meta = { owner: 'doctor', file_id: 'probe' }
  await archive.put(key, new Blob([key]).stream(), meta, { bytes: key.length, signal })
  const copy = await archive.get(key, { signal })
  const text = copy && (await new Response(await copy.open({ signal })).text())
  await archive.delete(key, { signal })
  if (text !== key) throw lost()
}

function lost(): CfileError {
  return new CfileError(
    'not_ready',
    'The probe that was read differs from the one that was written.',
  )
}
