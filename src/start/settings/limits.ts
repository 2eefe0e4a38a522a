/**
 * The settings of limits and times, which are options of `createApp`.
 *
 * @module
 */

import type { AppOptions } from '../../options.ts'
import { type Declared, whole } from './setting.ts'

/** The options that these settings give. */
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
  maxFileBytes: {
    name: 'CFILE_MAX_FILE_BYTES',
    ...bytes,
  },
  /** The largest JSON body that is read, in bytes. @default 67108864 */
  maxBodyBytes: {
    name: 'CFILE_MAX_BODY_BYTES',
    ...bytes,
  },
  /** Requests of one owner in a minute; more get 429. Each instance counts for itself. @default no limit */
  maxRequestsPerMinute: {
    name: 'CFILE_MAX_REQUESTS_PER_MINUTE',
    schema: whole(1),
    takes: 'a number of requests',
  },
  /** Downloads of one owner at a time; more get 429. @default no limit */
  maxDownloads: {
    name: 'CFILE_MAX_DOWNLOADS',
    schema: whole(1),
    takes: 'a number of downloads',
  },
  /** Bytes that one owner may download in an hour; more get 429. @default no limit */
  maxDownloadBytesPerHour: {
    name: 'CFILE_MAX_DOWNLOAD_BYTES_PER_HOUR',
    ...bytes,
  },
  /** Milliseconds to the upstream's headers, for files and metadata. @default 60000 */
  upstreamTimeoutMs: {
    name: 'CFILE_UPSTREAM_TIMEOUT_MS',
    ...milliseconds,
  },
  /** Milliseconds to the upstream's headers, for every other request of an SDK. @default 600000 */
  generationTimeoutMs: {
    name: 'CFILE_GENERATION_TIMEOUT_MS',
    ...milliseconds,
  },
  /** Milliseconds between two bytes of a file, from the upstream and to the client. @default 60000 */
  idleTimeoutMs: {
    name: 'CFILE_IDLE_TIMEOUT_MS',
    ...milliseconds,
  },
  /** Milliseconds between two bytes of an event stream, which is silent while code runs. @default 600000 */
  streamIdleTimeoutMs: {
    name: 'CFILE_STREAM_IDLE_TIMEOUT_MS',
    ...milliseconds,
  },
}
