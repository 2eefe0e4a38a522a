/**
 * Reads the settings of a server or a Worker from its environment. The other files of this folder declare them.
 *
 * @module
 */

import type { Credential } from '../../azure/credentials.ts'
import type { AppOptions } from '../../options.ts'
import { type LimitOptions, type LinkOptions, limitSettings, linkSettings } from './app-options.ts'
import { type MachineIdentity, machineIdentity, parseIdentity, upstreamSettings } from './azure.ts'
import {
  type CallerSettings,
  callerSettings,
  parseCallers,
  parseWebhooks,
  webhookSettings,
} from './callers.ts'
import { commandLineSettings, type ServerSettings, serverSettings } from './server.ts'
import {
  readSetting,
  readSettings,
  readWithDefaults,
  type Setting,
  type Variables,
} from './setting.ts'
import {
  type ArchiveSetting,
  archiveSettings,
  type CopyOptions,
  copySettings,
  parseArchive,
  type StoreSetting,
  storeSetting,
} from './storage.ts'
import { parseUpstreams } from './upstreams.ts'
import { settingWarnings } from './warnings.ts'

/** The settings of a process. The entry points convert them to options of `createApp`. */
export interface Settings
  extends LinkOptions,
    LimitOptions,
    CopyOptions,
    ServerSettings,
    Pick<AppOptions, 'upstreams' | 'webhooks'> {
  readonly callers: CallerSettings
  /** @default the store of the runtime */
  readonly store?: StoreSetting
  /** @default no copies are kept */
  readonly archive?: ArchiveSetting
  /** The identity that signs in to the archive, if the archive needs one. */
  readonly identity?: Credential
  /** Warnings about valid settings, one line each. */
  readonly warnings: readonly string[]
}

/** All settings. */
export const declaredSettings: readonly Setting[] = [
  upstreamSettings,
  callerSettings,
  linkSettings,
  { storeSetting },
  archiveSettings,
  copySettings,
  webhookSettings,
  serverSettings,
  limitSettings,
  commandLineSettings,
].flatMap((declared: Readonly<Record<string, Setting>>) => Object.values(declared))

const settingNames = declaredSettings.map(({ name }) => name)

/**
 * Reads the settings on a runtime with files. An empty value counts as not set.
 *
 * @param env environment of the process; variables of other programs are ignored
 * @throws CfileError `invalid_request`, in one line: the setting, what it got (secrets masked), what it takes
 */
export function parseEnv(env: Variables): Settings {
  return parseSettings(env, machineIdentity)
}

/**
 * Reads the settings as {@link parseEnv} does. A Worker brings its own `machine`, so that its bundle leaves out
 * certificates and managed identities.
 *
 * @param env environment of the process, or bindings of a Worker
 * @param machine creates a credential that needs files or a managed identity
 * @throws CfileError as {@link parseEnv}
 */
export function parseSettings(env: Variables, machine: MachineIdentity): Settings {
  const upstreamValues = readSettings(env, upstreamSettings)
  const links = readSettings(env, linkSettings)
  const upstreams = parseUpstreams(upstreamValues, machine)
  const archive = parseArchive(env)
  const callers = parseCallers(env)
  return {
    ...links,
    ...readSettings(env, limitSettings),
    ...readSettings(env, copySettings),
    ...readWithDefaults(env, serverSettings),
    upstreams,
    callers,
    webhooks: parseWebhooks(env),
    store: readSetting(env, storeSetting),
    archive,
    identity: needsIdentity(archive) ? parseIdentity(upstreamValues, machine) : undefined,
    warnings: settingWarnings({ ...links, upstreams, keys: callers.keys }, env, settingNames),
  }
}

/** Whether the archive signs in with Entra ID. */
function needsIdentity(archive: ArchiveSetting | undefined): boolean {
  return archive?.kind === 'azblob' && archive.sas === undefined && archive.accountKey === undefined
}
