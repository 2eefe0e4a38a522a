/**
 * Opens the store and the archive of a Worker: bindings, or an archive over the network.
 *
 * @module
 */

import type { Archive } from '../archives/archive.ts'
import { type R2Binding, r2Archive } from '../archives/r2.ts'
import { CfileError } from '../core/errors.ts'
import { type KvBinding, kvStore } from '../stores/cloudflare-kv.ts'
import { type D1Binding, d1Store } from '../stores/d1.ts'
import { memoryStore } from '../stores/memory.ts'
import type { Store } from '../stores/store.ts'
import { openRemoteArchive, type RemoteSetting } from './remote-archive.ts'
import type { Settings } from './settings/settings.ts'
import {
  notOnThisRuntime,
  type Storage,
  type StorageSettings,
  type StorageTools,
} from './storage.ts'

/** A Worker's bindings by their names. */
export type Bindings = Readonly<Record<string, unknown>>

/**
 * Opens the store and the archive that the settings name. The default store is the first bound D1 database, else the
 * first KV namespace.
 *
 * @param settings store and archive
 * @param env bindings of the Worker
 * @param tools network, clock, log and hash of workerd
 * @throws CfileError `invalid_request` for missing bindings, and for engines that Workers do not have
 */
export async function openWorkerStorage(
  settings: StorageSettings,
  env: Bindings,
  tools: StorageTools,
): Promise<Storage> {
  return {
    store: openStore(settings, env, tools),
    archive: openArchive(settings, env, tools),
    close: async () => {},
  }
}

/**
 * Opens the store: the binding that the settings name, else the first of D1 and KV, else memory.
 *
 * @throws CfileError `invalid_request`
 */
function openStore(
  { store: setting, upstreams }: StorageSettings,
  env: Bindings,
  { now, log }: StorageTools,
): Store {
  const bound = Object.values(env)
  const [d1, kv] = setting === undefined ? [bound.find(isD1), bound.find(isKv)] : []
  if (d1 !== undefined) return d1Store({ database: d1, now })
  if (kv !== undefined) return kvStore({ namespace: kv, now })
  if (setting?.kind === 'd1') {
    return d1Store({ database: bindingOf(env, 'CFILE_STORE', setting.binding, isD1), now })
  }
  if (setting?.kind === 'kv') {
    return kvStore({ namespace: bindingOf(env, 'CFILE_STORE', setting.binding, isKv), now })
  }
  if (setting !== undefined && setting.kind !== 'memory') {
    throw notOnThisRuntime('CFILE_STORE', setting.kind, 'd1:BINDING, kv:BINDING or memory:')
  }
  if (setting === undefined && upstreams.length > 0) {
    log('warn', 'Records are lost when this isolate ends: bind a D1 database or a KV namespace.')
  }
  return memoryStore({ now })
}

/**
 * Opens the archive that the settings name.
 *
 * @throws CfileError `invalid_request`
 */
function openArchive(
  { archive: setting, identity }: StorageSettings,
  env: Bindings,
  tools: StorageTools,
): Archive | undefined {
  if (setting === undefined) return undefined
  if (setting.kind === 'r2') {
    return r2Archive({ ...tools, bucket: bindingOf(env, 'CFILE_ARCHIVE', setting.binding, isR2) })
  }
  if (setting.kind === 'fs') {
    throw notOnThisRuntime('CFILE_ARCHIVE', 'fs', 'r2:BINDING, s3://… or azblob:https://…')
  }
  return openRemote(setting, identity, tools)
}

// Set by wrangler.toml. In bundles without it, remote archives are included.
declare const CFILE_REMOTE_ARCHIVES: boolean | undefined

/** Opens a remote archive. A build can leave this code out: most Workers use R2, and unused code slows cold starts. */
function openRemote(
  setting: RemoteSetting,
  identity: Settings['identity'],
  tools: StorageTools,
): Archive {
  if (typeof CFILE_REMOTE_ARCHIVES === 'undefined' || CFILE_REMOTE_ARCHIVES) {
    return openRemoteArchive(setting, identity, tools)
  }
  throw new CfileError(
    'invalid_request',
    `CFILE_ARCHIVE is ${setting.kind}:, which this build leaves out: remove CFILE_REMOTE_ARCHIVES from wrangler.toml, or set r2:BINDING.`,
    { param: 'CFILE_ARCHIVE' },
  )
}

/**
 * Returns a binding of the Worker.
 *
 * @param param name of the setting, for the message
 * @param name of the binding
 * @param isExpected whether a value is a binding of the wanted kind
 * @throws CfileError `invalid_request` if it is not bound or of another kind
 */
function bindingOf<T>(
  env: Bindings,
  param: string,
  name: string,
  isExpected: (value: unknown) => value is T,
): T {
  const value = env[name]
  if (isExpected(value)) return value
  const found = value === undefined ? 'is not bound' : 'is a binding of another kind'
  throw new CfileError(
    'invalid_request',
    `${param} names ${name}, which ${found}: see wrangler.toml.`,
    { param },
  )
}

// A binding does not contain its kind, but each kind has a method that no other kind has.
const has = (value: unknown, method: string): boolean =>
  typeof value === 'object' && value !== null && method in value

function isD1(value: unknown): value is D1Binding {
  return has(value, 'prepare') && has(value, 'batch')
}

function isKv(value: unknown): value is KvBinding {
  return has(value, 'getWithMetadata')
}

function isR2(value: unknown): value is R2Binding {
  return has(value, 'createMultipartUpload')
}
