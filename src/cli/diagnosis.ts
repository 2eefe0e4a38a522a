/**
 * Checks everything that `cfile doctor` reports: settings, upstreams, callers, store and archive. Each is used as a server
 * uses it.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import type { Archive } from '../archives/archive.ts'
import type { Endpoint } from '../azure/endpoint.ts'
import { CfileError, isCfileError, reasonOf } from '../core/errors.ts'
import { type Wait, within } from '../core/time.ts'
import type { Log } from '../gateway/gateway.ts'
import { createRemoteKeys, keysCure as cure } from '../routes/callers/remote-keys.ts'
import { type Runtime, webRuntime } from '../runtime.ts'
import { openApp } from '../start/open-app.ts'
import { refuseUnsafe } from '../start/serve.ts'
import { openStorage } from '../start/server-storage.ts'
import type { CallerSettings } from '../start/settings/callers.ts'
import { parseEnv, type Settings } from '../start/settings/settings.ts'
import type { Store } from '../stores/store.ts'
import { examine, type Finding, failed } from './examine-upstream.ts'

/** One part of the diagnosis. */
interface Section {
  readonly title: string
  readonly findings: readonly Finding[]
}

/** The result of all checks. */
export interface Diagnosis {
  readonly isWell: boolean
  readonly sections: readonly Section[]
}

type Env = Readonly<Record<string, string | undefined>>

/**
 * Checks everything that an environment names.
 *
 * @param runtime replaces parts of the runtime
 */
export async function diagnose(env: Env, runtime: Partial<Runtime> = {}): Promise<Diagnosis> {
  const sections: Section[] = []
  const settings = readSettings(env)
  if (isCfileError(settings)) {
    sections.push({ title: 'Settings', findings: [failed('settings', settings)] })
  } else {
    sections.push({ title: 'Settings', findings: settingsFindings(settings, env) })
    const means = { ...webRuntime, readFile: (path: string) => readFile(path, 'utf8'), ...runtime }
    for (const upstream of settings.upstreams) {
      const { name, endpoint } = upstream
      const where = typeof endpoint === 'string' ? endpoint : describeEndpoint(endpoint)
      const findings = await examine(upstream, means)
      sections.push({ title: `Upstream ${name}: ${where}`, findings })
    }
    sections.push({ title: 'Callers', findings: await examineCallers(settings.callers, means) })
    sections.push({ title: 'Store and archive', findings: await examineStorage(settings, means) })
  }
  const findings = sections.flatMap((section) => section.findings)
  return { isWell: findings.every(({ state }) => state !== 'failed'), sections }
}

/** Describes an endpoint, for the title of its section. */
function describeEndpoint({ kind, base, agent }: Endpoint): string {
  return agent === undefined ? `${kind} ${base}` : `hosted agent ${agent}`
}

/** Reads the settings. Returns the error with which a server would not start. */
function readSettings(env: Env): Settings | CfileError {
  try {
    const settings = parseEnv(env)
    if (settings.upstreams.length > 0) refuseUnsafe(settings)
    return settings
  } catch (error) {
    if (isCfileError(error)) return error
    throw error
  }
}

function settingsFindings({ upstreams, warnings }: Settings, env: Env): Finding[] {
  const read: Finding =
    upstreams.length > 0
      ? { state: 'ok', what: 'settings', found: 'read' }
      : {
          state: 'failed',
          what: 'settings',
          found: 'no upstream is set: the built-in emulator would answer',
          cure: 'Set AZURE_OPENAI_ENDPOINT, and AZURE_OPENAI_API_KEY or an identity of Entra ID.',
        }
  const remarks = env.CFILE_URL
    ? [
        ...warnings,
        'CFILE_URL is for the other commands: cfile doctor tries this machine as a server.',
      ]
    : warnings
  return [read, ...remarks.map((found): Finding => ({ state: 'note', what: 'warning', found }))]
}

type KeyRuntime = Pick<Runtime, 'fetch' | 'now' | 'wait'>

/** Examines the settings of callers. */
async function examineCallers(
  { keys, jwt }: CallerSettings,
  runtime: KeyRuntime,
): Promise<Finding[]> {
  if (keys === undefined && jwt === undefined) {
    return [
      { state: 'note', what: 'callers', found: 'no authentication: all requests are of one owner' },
    ]
  }
  const owners = new Set(keys?.map(({ owner }) => owner))
  return [
    ...(keys === undefined
      ? []
      : [
          {
            state: 'ok' as const,
            what: 'keys',
            found: `${keys.length}, of owners: ${owners.size}`,
          },
        ]),
    ...(jwt === undefined ? [] : [await examineTokens(jwt.jwksUrl, runtime)]),
  ]
}

async function examineTokens(url: string, { fetch, now, wait }: KeyRuntime): Promise<Finding> {
  const what = 'tokens'
  try {
    const keys = await createRemoteKeys({ url, fetch, now, wait }).ready()
    return { state: 'ok', what, found: `keys at CFILE_JWKS_URL: ${keys.length}` }
  } catch (error) {
    if (!isCfileError(error)) throw error
    const found = `the keys at CFILE_JWKS_URL can't be fetched: ${error.details.cause}`
    return { state: 'failed', what, found, cure }
  }
}

const probeMs = 15_000

/** Opens the store and the archive as a server does, and tries both. */
async function examineStorage(
  settings: Settings,
  { fetch, wait }: Pick<Runtime, 'fetch' | 'wait'>,
): Promise<Finding[]> {
  const errors = createErrorLog()
  try {
    const { store, archive, close } = await openStorage(settings, errors.log, { fetch })
    try {
      // Checks that the settings fit together, as at the start of a server.
      if (settings.upstreams.length > 0) openApp(settings, { store, archive, log: errors.log })
      return [
        await examineStore(settings, store, wait, errors.last),
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

type Fields = Readonly<Record<string, unknown>>

/** Creates a log that keeps the fields of its last error. A connection reports the cause of a failure only to the log. */
function createErrorLog(): { readonly log: Log; last(): Fields } {
  let last: Fields = {}
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
  lastError: () => Fields,
): Promise<Finding> {
  const found = `${setting?.kind ?? `sqlite in ${dataDir}`}: written, read and erased`
  try {
    await within(wait, probeMs, undefined, () => tryStore(store))
    return { state: 'ok', what: 'store', found }
  } catch (error) {
    const { cause, hint } = lastError()
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
  if ((await store.get(key)) !== key) throw probeDiffers()
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
  if (text !== key) throw probeDiffers()
}

function probeDiffers(): CfileError {
  return new CfileError(
    'not_ready',
    'The probe that was read differs from the one that was written.',
  )
}
