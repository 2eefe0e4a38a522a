/**
 * The settings of the server process (address, log, shutdown) and of the command line.
 *
 * @module
 */

import { type Declared, flag, oneOf, text, whole } from './setting.ts'

/** Settings of a server. */
export interface ServerSettings {
  /** Whether everybody who can reach the server may fetch files. */
  readonly allowAnonymous: boolean
  readonly dataDir: string
  readonly host: string
  readonly port: number
  /** Milliseconds that running answers may take once the server shuts down. */
  readonly shutdownTimeoutMs: number
  /** Milliseconds for which `/readyz` says 503 before the server stops listening. */
  readonly shutdownDelayMs: number
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  readonly logFormat: 'json' | 'pretty'
  /** Whether each request has a line in the log. */
  readonly accessLog: boolean
}

const milliseconds = { schema: whole(0, 86_400_000), takes: 'a number of milliseconds' }

/** The settings of {@link ServerSettings}, each with a value as its default. */
export const serverSettings: Declared<ServerSettings> = {
  /** `1` lets everybody who can reach cfile fetch files, also beyond this machine. */
  allowAnonymous: { name: 'CFILE_ALLOW_ANONYMOUS', ...flag, default: '0' },
  /** The folder of the default store. */
  dataDir: {
    name: 'CFILE_DATA_DIR',
    schema: text,
    takes: 'a folder',
    default: '.cfile',
    only: 'server',
  },
  /** The address to listen on. */
  host: {
    name: 'HOST',
    schema: text,
    takes: 'an address to listen on',
    default: '127.0.0.1',
    only: 'server',
  },
  /** The port to listen on; 0 takes a free one. */
  port: {
    name: 'PORT',
    schema: whole(0, 65_535),
    takes: 'a port, 0 to 65535',
    default: '8787',
    only: 'server',
  },
  /** Milliseconds that running downloads may take after SIGTERM. */
  shutdownTimeoutMs: {
    name: 'CFILE_SHUTDOWN_TIMEOUT_MS',
    ...milliseconds,
    default: '30000',
    only: 'server',
  },
  /** Milliseconds for which `/readyz` says 503 before the server stops listening. */
  shutdownDelayMs: {
    name: 'CFILE_SHUTDOWN_DELAY_MS',
    ...milliseconds,
    default: '0',
    only: 'server',
  },
  /** The least level that is logged. */
  logLevel: {
    name: 'LOG_LEVEL',
    ...oneOf(['debug', 'info', 'warn', 'error', 'silent']),
    default: 'info',
  },
  /** `json` writes one object a line, `pretty` is for people. */
  logFormat: { name: 'LOG_FORMAT', ...oneOf(['json', 'pretty']), default: 'json' },
  /** `0` writes no log line for requests. */
  accessLog: { name: 'CFILE_ACCESS_LOG', ...flag, default: '1' },
}

/** Settings of the command line. */
interface CommandLineSettings {
  readonly url: string
  readonly key: string
}

/** The settings of {@link CommandLineSettings}. Only the commands read them. */
export const commandLineSettings: Declared<CommandLineSettings> = {
  /** The gateway to which the commands send their requests. @default Azure itself */
  url: { name: 'CFILE_URL', schema: text, takes: 'the URL of a gateway', only: 'command line' },
  /** The key that the commands send to that gateway. */
  key: {
    name: 'CFILE_KEY',
    schema: text,
    takes: 'a key of that gateway',
    secret: true,
    only: 'command line',
  },
}
