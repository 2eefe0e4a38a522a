/**
 * Writes the log to the console, as JSON or as text for people.
 *
 * @module
 */

import type { Log } from '../gateway/gateway.ts'
import type { Settings } from './settings/settings.ts'

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const
type Level = Parameters<Log>[0]
type Fields = Readonly<Record<string, unknown>>

/**
 * Creates a log. It writes each level by the console's method of that name, so that runtimes and log collectors know
 * the level. On Node, `debug` and `info` go to the standard output, `warn` and `error` to the error stream.
 *
 * @param settings lowest level, and JSON or text
 */
export function consoleLog({ logLevel, logFormat }: Pick<Settings, 'logLevel' | 'logFormat'>): Log {
  const least = levels.indexOf(logLevel)
  const writes = (level: Level): boolean => levels.indexOf(level) >= least
  const format = logFormat === 'json' ? toJson : toPretty
  const log = (level: Level, message: string, fields: Fields = {}): void => {
    if (writes(level)) console[level](format(new Date().toISOString(), level, message, fields))
  }
  return Object.assign(log, { writes })
}

function toJson(time: string, level: Level, message: string, fields: Fields): string {
  return JSON.stringify({ time, level, message, ...fields })
}

const columns = 120

/**
 * Formats a line for people, in at most 120 columns. `debug` and `info` have as many fields as fit on one line. `warn` and
 * `error` continue on further lines, so that no field is left out.
 */
function toPretty(time: string, level: Level, message: string, fields: Fields): string {
  const head = `${time.slice(11, 19)} ${level.padEnd(5)} ${message.replace(/\p{Cc}+/gu, ' ')}`
  const pairs = Object.entries(fields)
    .toSorted(([one], [other]) => rankOf(one) - rankOf(other))
    .flatMap(([name, value]) => toPair(name, value))
  return level === 'warn' || level === 'error'
    ? wrap([head, ...pairs].join(' '))
    : fill(head, pairs.filter((pair) => !isInMessage(pair, message)).map(shorten))
}

/** The fields of a request that come first. */
const first = ['ms', 'bytes', 'code', 'outcome', 'from', 'file_id', 'owner', 'container_id']

function rankOf(name: string): number {
  const at = first.indexOf(name)
  return at === -1 ? first.length : at
}

/** Leaves out fields without a value, and the usual outcome. */
function toPair(name: string, value: unknown): string[] {
  if (value === undefined || value === false || (name === 'outcome' && value === 'done')) return []
  const isWord = typeof value === 'string' && /^[\w./{}:-]+$/.test(value)
  return [`${name}=${isWord ? value : JSON.stringify(value)}`]
}

/** Whether the message already contains the value of a field. */
function isInMessage(pair: string, message: string): boolean {
  return message.split(' ').includes(pair.slice(pair.indexOf('=') + 1))
}

const longestPair = 22

/** Shortens a long value in its middle, since ids differ at both ends. */
function shorten(pair: string): string {
  if (pair.length <= longestPair) return pair
  const start = Math.max(longestPair - 7, pair.indexOf('=') + 1)
  return `${pair.slice(0, start)}…${pair.slice(-6)}`
}

/** Adds as many fields as fit on the line. */
function fill(head: string, pairs: readonly string[]): string {
  let line = head.length > columns ? `${head.slice(0, columns - 1)}…` : head
  for (const pair of pairs) {
    if (line.length + 1 + pair.length <= columns) line += ` ${pair}`
  }
  return line
}

const indent = '  '

/** Wraps a text at blanks. Further lines are indented. */
function wrap(text: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').flatMap(cut)) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length > columns) lines.push(line)
    line = longer.length > columns ? indent + word : longer
  }
  return [...lines, line].join('\n')
}

/** Cuts a word that is longer than a line. */
function cut(word: string): readonly string[] {
  const most = columns - indent.length
  return word.match(new RegExp(`.{1,${most}}`, 'gu')) ?? [word]
}
