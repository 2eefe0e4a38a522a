/**
 * What the app is told by its environment: every setting, read once.
 *
 * @module
 */

import type { Credential } from '../azure/credentials.ts'
import { CfileError } from '../core/errors.ts'
import { parseSigningKeys } from '../core/links/keys.ts'
import { parseLinkBase } from '../core/links/signer.ts'
import type { AppOptions } from '../options.ts'
import { type ArchiveSetting, parseArchiveSetting } from './archive-setting.ts'
import { type CallerSettings, parseCallers } from './caller-settings.ts'
import { type MachineIdentity, parseIdentity } from './identity.ts'
import { machineIdentity } from './machine-identity.ts'
import { parseStoreSetting, type StoreSetting } from './store-setting.ts'
import { apiVersionGrammar, idGrammar, parseUpstreams } from './upstreams.ts'
import { settingWarnings } from './warnings.ts'

type Plain = Pick<
  AppOptions,
  | 'upstreams'
  | 'archiveMode'
  | 'archiveConcurrency'
  | 'archiveTtl'
  | 'captures'
  | 'trustUnrecorded'
  | 'signingKeys'
  | 'webhooks'
  | 'corsOrigins'
  | 'publicUrl'
  | 'maxRequestsPerMinute'
  | 'maxDownloads'
  | 'maxDownloadBytesPerHour'
  | 'cutSlowReaders'
  | 'linkTtl'
  | 'links'
  | 'sweep'
  | 'heal'
  | 'inlineImages'
  | 'maxFileBytes'
  | 'maxBodyBytes'
  | 'upstreamTimeoutMs'
  | 'generationTimeoutMs'
  | 'idleTimeoutMs'
  | 'streamIdleTimeoutMs'
  | 'accessLog'
>

/** What the environment says; the doors turn it into options. */
export interface Settings extends Plain {
  readonly callers: CallerSettings
  /** Whether everybody who can reach the server may fetch. */
  readonly allowAnonymous: boolean
  /** Absent: what the runtime's door takes by default. */
  readonly store?: StoreSetting
  /** Absent: no copies are kept. */
  readonly archive?: ArchiveSetting
  /** Who cfile is to Entra ID, where the archive wants to know. */
  readonly identity?: Credential
  readonly dataDir: string
  readonly host: string
  readonly port: number
  /** Milliseconds that answers under way may take once the server is told to end. */
  readonly shutdownTimeoutMs: number
  /** Milliseconds for which `/readyz` says 503 before the server stops listening. */
  readonly shutdownDelayMs: number
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  readonly logFormat: 'json' | 'pretty'
  /** What the operator should know of settings that work, each in one line. */
  readonly warnings: readonly string[]
}

interface Setting<T> {
  /** The value that a text stands for; undefined where it stands for none. */
  readonly read: (text: string) => T | undefined
  /** What it takes, in words. */
  readonly takes: string
  readonly secret?: true
}

// Functions, not schemas: a library for those would be a seventh of a Worker.
const text = (value: string) => value
const like = (grammar: RegExp) => (value: string) => (grammar.test(value) ? value : undefined)
const whole =
  (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  (value: string) => {
    const number = /^\d{1,16}$/.test(value) ? Number(value) : -1
    return number >= min && number <= max ? number : undefined
  }

const flag: Setting<boolean> = {
  read: (value) => (value === '1' || value === '0' ? value === '1' : undefined),
  takes: '1 or 0',
}
const bytes = { read: whole(1), takes: 'a number of bytes' }
const milliseconds = { read: whole(1, 86_400_000), takes: 'a number of milliseconds' }
const millisecondsOrNone = { ...milliseconds, read: whole(0, 86_400_000) }
const words = (takes: string) => ({ read: text, takes })
const secret = (takes: string) => ({ read: text, takes, secret: true as const })
const oneOf = <const Word extends string>(options: readonly Word[]) => ({
  read: (value: string) => options.find((option) => option === value),
  takes: `${options.slice(0, -1).join(', ')} or ${options.at(-1)}`,
})

const settings = {
  AZURE_OPENAI_ENDPOINT: words('the URL of an Azure OpenAI resource or project'),
  AZURE_OPENAI_API_KEY: secret('a key of that resource'),
  AZURE_OPENAI_API_VERSION: {
    read: like(apiVersionGrammar),
    takes: 'v1, preview or a date such as 2025-04-01-preview',
  },
  AZURE_OPENAI_SCOPE: words('a scope such as https://cognitiveservices.azure.com/.default'),
  AZURE_TENANT_ID: { read: like(idGrammar), takes: 'the id of a tenant' },
  AZURE_CLIENT_ID: {
    read: like(idGrammar),
    takes: 'the id of an app or of a user-assigned identity',
  },
  AZURE_CLIENT_SECRET: secret('the secret of that app'),
  AZURE_CLIENT_CERTIFICATE_PATH: words('the path of a PEM file'),
  AZURE_FEDERATED_TOKEN_FILE: words('the path of a file'),
  AZURE_AUTHORITY_HOST: words('an https URL'),
  IDENTITY_ENDPOINT: words('a URL'),
  IDENTITY_HEADER: secret('the secret of that endpoint'),
  AZURE_POD_IDENTITY_AUTHORITY_HOST: words('a URL'),
  CFILE_UPSTREAMS: secret('[{"name","endpoint","api_key"?,…}]'),
  CFILE_ALLOWED_HOSTS: words('host names with commas between them'),
  CFILE_API_KEYS: secret('owner:key,owner2:key2'),
  CFILE_JWKS_URL: words('an https URL'),
  CFILE_JWT_ISSUER: words('what iss must be'),
  CFILE_JWT_AUDIENCE: words('what aud must be or hold'),
  CFILE_JWT_OWNER_CLAIM: words('the name of a claim'),
  CFILE_ALLOW_ANONYMOUS: flag,
  CFILE_CAPTURES: oneOf(['any', 'response_id']),
  CFILE_TRUST_UNRECORDED: flag,
  CFILE_SIGNING_KEYS: secret('kid:secret,kid2:secret2'),
  CFILE_PUBLIC_URL: words('an http or https URL'),
  CFILE_CORS_ORIGINS: {
    read: parseOrigins,
    takes: 'origins such as https://app.example with commas between them, or *',
  },
  CFILE_WEBHOOK_SECRETS: secret('whsec_… with commas between several'),
  CFILE_WEBHOOK_OWNER: words("an owner's name"),
  CFILE_MAX_REQUESTS_PER_MINUTE: { read: whole(1), takes: 'a number of requests' },
  CFILE_MAX_DOWNLOADS: { read: whole(1), takes: 'a number of downloads' },
  CFILE_MAX_DOWNLOAD_BYTES_PER_HOUR: bytes,
  CFILE_CUT_SLOW_READERS: flag,
  CFILE_LINK_TTL: { read: whole(1, 10 * 365 * 86_400), takes: 'a number of seconds' },
  CFILE_LINKS: oneOf(['off', 'annotate', 'rewrite']),
  CFILE_SWEEP: flag,
  CFILE_HEAL: flag,
  CFILE_INLINE_IMAGES: oneOf(['keep', 'link']),
  CFILE_STORE: words('memory:, sqlite:PATH, redis://…, d1:BINDING or kv:BINDING'),
  CFILE_ARCHIVE: secret('off, fs:DIR, s3://BUCKET/PREFIX, azblob:https://… or r2:BINDING'),
  CFILE_ARCHIVE_MODE: oneOf(['eager', 'lazy']),
  CFILE_ARCHIVE_CONCURRENCY: { read: whole(1, 1000), takes: 'a number of copies' },
  CFILE_ARCHIVE_TTL: { read: whole(0), takes: 'a number of seconds, 0 for ever' },
  AWS_ACCESS_KEY_ID: words('the id of an access key'),
  AWS_SECRET_ACCESS_KEY: secret('the secret of that access key'),
  AWS_SESSION_TOKEN: secret('the token of a session'),
  AZURE_STORAGE_KEY: {
    read: like(/^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/),
    takes: 'a key of the storage account, in base64',
    secret: true,
  },
  CFILE_DATA_DIR: words('a folder'),
  CFILE_MAX_FILE_BYTES: bytes,
  CFILE_MAX_BODY_BYTES: bytes,
  CFILE_UPSTREAM_TIMEOUT_MS: milliseconds,
  CFILE_GENERATION_TIMEOUT_MS: milliseconds,
  CFILE_IDLE_TIMEOUT_MS: milliseconds,
  CFILE_STREAM_IDLE_TIMEOUT_MS: milliseconds,
  CFILE_SHUTDOWN_TIMEOUT_MS: millisecondsOrNone,
  CFILE_SHUTDOWN_DELAY_MS: millisecondsOrNone,
  CFILE_ACCESS_LOG: flag,
  HOST: words('an address to listen on'),
  PORT: { read: whole(0, 65_535), takes: 'a port, 0 to 65535' },
  LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error', 'silent']),
  LOG_FORMAT: oneOf(['json', 'pretty']),
} as const satisfies Record<string, Setting<unknown>>

/** Every name that the environment may have for cfile; the last two are for the command line. */
export const settingNames: readonly string[] = [...Object.keys(settings), 'CFILE_URL', 'CFILE_KEY']

type Settled = {
  readonly [Name in keyof typeof settings]?: ReturnType<(typeof settings)[Name]['read']>
}

/**
 * Reads the settings of a runtime with files; an empty value counts as none.
 *
 * @throws CfileError `invalid_request`, in one line: the setting, what it got (secrets masked), what it takes
 */
export function parseEnv(env: Readonly<Record<string, unknown>>): Settings {
  return parseSettings(env, machineIdentity)
}

/**
 * Reads the settings as {@link parseEnv} does. A Worker brings its own `machine`, so that its bundle leaves out
 * certificates and managed identities.
 */
export function parseSettings(
  env: Readonly<Record<string, unknown>>,
  machine: MachineIdentity,
): Settings {
  const read = Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [name, readSetting(env, name, setting)]),
  ) as Settled
  const upstreams = parseUpstreams(read, machine)
  const archive = archiveOf(read)
  const callers = parseCallers(read)
  const signingKeys = ifSet(read.CFILE_SIGNING_KEYS, parseSigningKeys)
  return {
    upstreams,
    callers,
    allowAnonymous: read.CFILE_ALLOW_ANONYMOUS ?? false,
    captures: read.CFILE_CAPTURES,
    trustUnrecorded: read.CFILE_TRUST_UNRECORDED,
    signingKeys,
    webhooks: webhooksOf(read),
    corsOrigins: read.CFILE_CORS_ORIGINS,
    publicUrl: ifSet(read.CFILE_PUBLIC_URL, parseLinkBase),
    maxRequestsPerMinute: read.CFILE_MAX_REQUESTS_PER_MINUTE,
    maxDownloads: read.CFILE_MAX_DOWNLOADS,
    maxDownloadBytesPerHour: read.CFILE_MAX_DOWNLOAD_BYTES_PER_HOUR,
    cutSlowReaders: read.CFILE_CUT_SLOW_READERS,
    linkTtl: read.CFILE_LINK_TTL,
    links: read.CFILE_LINKS,
    sweep: read.CFILE_SWEEP,
    heal: read.CFILE_HEAL,
    inlineImages: read.CFILE_INLINE_IMAGES,
    store: ifSet(read.CFILE_STORE, parseStoreSetting),
    archive,
    identity: needsIdentity(archive) ? parseIdentity(read, machine) : undefined,
    archiveMode: read.CFILE_ARCHIVE_MODE,
    archiveConcurrency: read.CFILE_ARCHIVE_CONCURRENCY,
    archiveTtl: read.CFILE_ARCHIVE_TTL,
    dataDir: read.CFILE_DATA_DIR ?? '.cfile',
    maxFileBytes: read.CFILE_MAX_FILE_BYTES,
    maxBodyBytes: read.CFILE_MAX_BODY_BYTES,
    upstreamTimeoutMs: read.CFILE_UPSTREAM_TIMEOUT_MS,
    generationTimeoutMs: read.CFILE_GENERATION_TIMEOUT_MS,
    idleTimeoutMs: read.CFILE_IDLE_TIMEOUT_MS,
    streamIdleTimeoutMs: read.CFILE_STREAM_IDLE_TIMEOUT_MS,
    host: read.HOST ?? '127.0.0.1',
    port: read.PORT ?? 8787,
    shutdownTimeoutMs: read.CFILE_SHUTDOWN_TIMEOUT_MS ?? 30_000,
    shutdownDelayMs: read.CFILE_SHUTDOWN_DELAY_MS ?? 0,
    accessLog: read.CFILE_ACCESS_LOG,
    logLevel: read.LOG_LEVEL ?? 'info',
    logFormat: read.LOG_FORMAT ?? 'json',
    warnings: settingWarnings({ upstreams, keys: callers.keys, signingKeys }, env, settingNames),
  }
}

/** An origin has a scheme, a host and a port, and no slash at its end: browsers send it so. */
function parseOrigins(value: string): readonly string[] | undefined {
  const origins = value.split(',').map((entry) => entry.trim())
  const isRight = (entry: string) =>
    entry === '*' || (URL.canParse(entry) && new URL(entry).origin === entry)
  return origins.every(isRight) ? origins : undefined
}

function readSetting(
  env: Readonly<Record<string, unknown>>,
  name: string,
  { read, takes, secret }: Setting<unknown>,
): unknown {
  // Wrangler takes a list as it is, not only as text.
  const value = Array.isArray(env[name]) ? JSON.stringify(env[name]) : env[name]
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const result = read(value.trim())
  if (result !== undefined) return result
  throw wrongSetting(name, secret ? undefined : value, takes)
}

function ifSet<T>(value: string | undefined, parse: (value: string) => T): T | undefined {
  return value === undefined ? undefined : parse(value)
}

/** @throws CfileError where an owner is named and no secret */
function webhooksOf(read: Settled): Settings['webhooks'] {
  const { CFILE_WEBHOOK_SECRETS: secrets, CFILE_WEBHOOK_OWNER: owner } = read
  if (secrets !== undefined) {
    return { secrets: secrets.split(',').map((secret) => secret.trim()), owner }
  }
  if (owner === undefined) return undefined
  throw new CfileError(
    'invalid_request',
    'CFILE_WEBHOOK_OWNER is set, but CFILE_WEBHOOK_SECRETS is not: set the secret of the webhook endpoint.',
    { param: 'CFILE_WEBHOOK_SECRETS' },
  )
}

function archiveOf(read: Settled): ArchiveSetting | undefined {
  return parseArchiveSetting(read.CFILE_ARCHIVE ?? 'off', {
    awsAccessKeyId: read.AWS_ACCESS_KEY_ID,
    awsSecretAccessKey: read.AWS_SECRET_ACCESS_KEY,
    awsSessionToken: read.AWS_SESSION_TOKEN,
    azureStorageKey: read.AZURE_STORAGE_KEY,
  })
}

function needsIdentity(archive: ArchiveSetting | undefined): boolean {
  return archive?.kind === 'azblob' && archive.sas === undefined && archive.accountKey === undefined
}

function wrongSetting(name: string, value: string | undefined, takes: string): CfileError {
  const got = value === undefined ? 'a value (masked)' : JSON.stringify(value.slice(0, 100))
  return new CfileError('invalid_request', `${name} got ${got}, but takes ${takes}.`, {
    param: name,
  })
}
