/**
 * The settings that are options of `createApp` as they are: links, captures, limits and times.
 *
 * @module
 */

import * as z from 'zod/mini'
import { parseSigningKeys } from '../../core/links/keys.ts'
import { parseLinkBase } from '../../core/links/signer.ts'
import type { AppOptions } from '../../options.ts'
import { type Declared, flag, list, type MakeSchema, oneOf, parsedBy, whole } from './setting.ts'

/** Options of `createApp` that are read from settings. */
export type LinkOptions = Pick<
  AppOptions,
  | 'captures'
  | 'trustUnrecorded'
  | 'signingKeys'
  | 'publicUrl'
  | 'corsOrigins'
  | 'linkTtl'
  | 'links'
  | 'sweep'
  | 'inlineImages'
  | 'heal'
>

/** An origin as browsers send it: scheme, host and port, without a slash at its end. */
const isOrigin = (text: string): boolean =>
  text === '*' || (URL.canParse(text) && new URL(text).origin === text)

const origins: MakeSchema<readonly string[]> = () =>
  list().check(z.refine((texts) => texts.every(isOrigin)))

/** The settings of {@link LinkOptions}. */
export const linkSettings: Declared<LinkOptions> = {
  /** With caller auth, `response_id` refuses posted answers and takes only ids of responses. @default any */
  captures: { name: 'CFILE_CAPTURES', ...oneOf(['any', 'response_id']) },
  /** With caller auth, `1` gives an object without an owner to the first caller who names it. @default 0 */
  trustUnrecorded: { name: 'CFILE_TRUST_UNRECORDED', ...flag },
  /**
   * The keys that sign links, of 32 bytes or more: the first signs, all verify; Workers need one.
   *
   * @default a new key at each start
   */
  signingKeys: {
    name: 'CFILE_SIGNING_KEYS',
    schema: parsedBy(parseSigningKeys),
    takes: 'kid:secret,kid2:secret2',
    secret: true,
  },
  /** The base of every link, which is never taken from a request. @default http://127.0.0.1:8787 */
  publicUrl: {
    name: 'CFILE_PUBLIC_URL',
    schema: parsedBy(parseLinkBase),
    takes: 'an http or https URL',
  },
  /** Origins whose pages may `fetch()` links, files, captures and the OpenAI routes. @default none */
  corsOrigins: {
    name: 'CFILE_CORS_ORIGINS',
    schema: origins,
    takes: 'origins such as https://app.example with commas between them, or *',
  },
  /** Seconds that a link lives. @default 3600 */
  linkTtl: {
    name: 'CFILE_LINK_TTL',
    schema: whole(1, 10 * 365 * 86_400),
    takes: 'a number of seconds',
  },
  /**
   * `annotate` adds a `download_url` to file annotations, `rewrite` also replaces `sandbox:` links, `off` changes
   * nothing.
   *
   * @default annotate
   */
  links: { name: 'CFILE_LINKS', ...oneOf(['off', 'annotate', 'rewrite']) },
  /** `1` lists the container after each answer and records the files that it does not cite. @default 0 */
  sweep: { name: 'CFILE_SWEEP', ...flag },
  /** `link` replaces `data:` pictures by links where it is certain which file they are. @default keep */
  inlineImages: { name: 'CFILE_INLINE_IMAGES', ...oneOf(['keep', 'link']) },
  /**
   * `1` repeats a request that fails because its container has expired, with a new one that holds the archived files.
   *
   * @default 0
   */
  heal: { name: 'CFILE_HEAL', ...flag },
}

/** Options of `createApp` that are read from settings. */
export type LimitOptions = Pick<
  AppOptions,
  | 'maxFileBytes'
  | 'maxBodyBytes'
  | 'maxRequestsPerMinute'
  | 'maxDownloads'
  | 'maxDownloadBytesPerHour'
  | 'upstreamTimeoutMs'
  | 'generationTimeoutMs'
  | 'idleTimeoutMs'
  | 'streamIdleTimeoutMs'
>

const bytes = { schema: whole(1), takes: 'a number of bytes' }
const milliseconds = { schema: whole(1, 86_400_000), takes: 'a number of milliseconds' }

/** The settings of {@link LimitOptions}. */
export const limitSettings: Declared<LimitOptions> = {
  /** The largest file that is served or uploaded, in bytes. @default 1073741824 */
  maxFileBytes: { name: 'CFILE_MAX_FILE_BYTES', ...bytes },
  /** The largest JSON body that is read, in bytes. @default 67108864 */
  maxBodyBytes: { name: 'CFILE_MAX_BODY_BYTES', ...bytes },
  /** Requests of one owner in a minute; more get 429. Each instance counts for itself. @default no limit */
  maxRequestsPerMinute: {
    name: 'CFILE_MAX_REQUESTS_PER_MINUTE',
    schema: whole(1),
    takes: 'a number of requests',
  },
  /** Downloads of one owner at a time; more get 429. @default no limit */
  maxDownloads: { name: 'CFILE_MAX_DOWNLOADS', schema: whole(1), takes: 'a number of downloads' },
  /** Bytes that one owner may download in an hour; more get 429. @default no limit */
  maxDownloadBytesPerHour: { name: 'CFILE_MAX_DOWNLOAD_BYTES_PER_HOUR', ...bytes },
  /** Milliseconds to the upstream's headers, for files and metadata. @default 60000 */
  upstreamTimeoutMs: { name: 'CFILE_UPSTREAM_TIMEOUT_MS', ...milliseconds },
  /** Milliseconds to the upstream's headers, for every other request of an SDK. @default 600000 */
  generationTimeoutMs: { name: 'CFILE_GENERATION_TIMEOUT_MS', ...milliseconds },
  /** Milliseconds between two bytes of a file, from the upstream and to the client. @default 60000 */
  idleTimeoutMs: { name: 'CFILE_IDLE_TIMEOUT_MS', ...milliseconds },
  /** Milliseconds between two bytes of an event stream, which is silent while code runs. @default 600000 */
  streamIdleTimeoutMs: { name: 'CFILE_STREAM_IDLE_TIMEOUT_MS', ...milliseconds },
}
