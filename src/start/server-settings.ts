/**
 * The settings of the process: where it listens, what it logs, how it ends. And those of the command line.
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
  /** Milliseconds that running answers may take once the server is told to end. */
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
  allowAnonymous: {
    name: 'CFILE_ALLOW_ANONYMOUS',
    schema: flag,
    takes: '1 or 0',
    about: '`1` lets everybody who can reach cfile fetch files, also beyond this machine.',
    default: '0',
  },
  dataDir: {
    name: 'CFILE_DATA_DIR',
    schema: text,
    takes: 'a folder',
    about: 'The folder of the default store.',
    default: '.cfile',
    only: 'server',
  },
  host: {
    name: 'HOST',
    schema: text,
    takes: 'an address to listen on',
    about: 'The address to listen on.',
    default: '127.0.0.1',
    only: 'server',
  },
  port: {
    name: 'PORT',
    schema: whole(0, 65_535),
    takes: 'a port, 0 to 65535',
    about: 'The port to listen on; 0 takes a free one.',
    default: '8787',
    only: 'server',
  },
  shutdownTimeoutMs: {
    name: 'CFILE_SHUTDOWN_TIMEOUT_MS',
    ...milliseconds,
    about: 'Milliseconds that running downloads may take after SIGTERM.',
    default: '30000',
    only: 'server',
  },
  shutdownDelayMs: {
    name: 'CFILE_SHUTDOWN_DELAY_MS',
    ...milliseconds,
    about: 'Milliseconds for which `/readyz` says 503 before the server stops listening.',
    default: '0',
    only: 'server',
  },
  logLevel: {
    name: 'LOG_LEVEL',
    ...oneOf(['debug', 'info', 'warn', 'error', 'silent']),
    about: 'The least level that is logged.',
    default: 'info',
  },
  logFormat: {
    name: 'LOG_FORMAT',
    ...oneOf(['json', 'pretty']),
    about: '`json` writes one object a line, `pretty` is for people.',
    default: 'json',
  },
  accessLog: {
    name: 'CFILE_ACCESS_LOG',
    schema: flag,
    takes: '1 or 0',
    about: '`0` writes no log line for requests.',
    default: '1',
  },
}

/** Settings of the command line. */
export interface CommandLineSettings {
  readonly url: string
  readonly key: string
}

/** The settings of {@link CommandLineSettings}; the commands read them, and no server does. */
export const commandLineSettings: Declared<CommandLineSettings> = {
  url: {
    name: 'CFILE_URL',
    schema: text,
    takes: 'the URL of a gateway',
    about: 'The gateway that the commands ask.',
    default: 'Azure itself',
    only: 'command line',
  },
  key: {
    name: 'CFILE_KEY',
    schema: text,
    takes: 'a key of that gateway',
    about: 'The key that the commands send to that gateway.',
    secret: true,
    only: 'command line',
  },
}
