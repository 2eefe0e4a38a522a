/**
 * Turns the failure of a command into one line of text and an exit code.
 *
 * @module
 */

import { type CfileError, isCfileError } from '../core/errors.ts'
import { type CommandInfo, UsageError } from './command.ts'
import { field } from './gateway.ts'
import { usageOf } from './help.ts'

/** A failed command. */
interface Failure {
  readonly exitCode: number
  readonly line: string
}

/** Ctrl-C ended the command; the message says what is left to do. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/**
 * Describes what a command threw.
 *
 * @param command its usage is shown after a usage error
 */
export function describeFailure(error: unknown, command: CommandInfo): Failure {
  if (error instanceof Interrupted) return { exitCode: 130, line: error.message }
  if (error instanceof UsageError) {
    return { exitCode: 2, line: `${error.message} Usage: ${usageOf(command)}` }
  }
  if (isCfileError(error)) return { exitCode: exitCodeOf(error), line: lineOf(error) }
  return { exitCode: 1, line: error instanceof Error ? systemError(error) : String(error) }
}

/** Writes a line for the error stream, without the control characters that a server may have sent. */
export function toErrorLine(line: string): string {
  return `cfile: ${line.replace(/\s*\p{Cc}+\s*/gu, ' ').trim()}\n`
}

function exitCodeOf({ code, status }: CfileError): number {
  if (code === 'invalid_id') return 2
  return status === 404 || status === 410 ? 3 : 1
}

/** The hint may name a query parameter, which is an option here. */
function lineOf({ message, details: { hint } }: CfileError): string {
  return hint === undefined
    ? message
    : `${message} ${hint.replace('?container_id=', '--container ')}`
}

function systemError(error: Error): string {
  const { code, syscall, path } = fieldsOf(error)
  if (code === 'EADDRINUSE') return 'PORT is taken by another program; set PORT to a free one.'
  if (code === 'EADDRNOTAVAIL' || (code === 'ENOTFOUND' && syscall === 'getaddrinfo')) {
    return 'HOST is not an address of this machine; set HOST to 127.0.0.1, or to 0.0.0.0 for all.'
  }
  if (code === 'EACCES' && syscall === 'listen') {
    return 'PORT is not open to this user; set PORT to 1024 or higher.'
  }
  // Node writes `ENOENT: no such file or directory, open 'a.json'`.
  const [, reason] = /^[A-Z0-9_]+: ([^,]+)/.exec(error.message) ?? []
  if (reason !== undefined) return `${path === undefined ? '' : `${path}: `}${reason}.`
  return error.message === '' ? error.name : error.message
}

function fieldsOf(error: Error): Readonly<Record<'code' | 'syscall' | 'path', unknown>> {
  return {
    code: field(error, 'code'),
    syscall: field(error, 'syscall'),
    path: field(error, 'path'),
  }
}
