/**
 * Which subcommand runs, and what a person sees when it can't.
 *
 * @module
 */

import { type CfileError, isCfileError } from '../core/errors.ts'
import { version } from '../core/version.ts'
import { type Command, UsageError } from './args.ts'
import { doctorCommand } from './doctor.ts'
import { emulatorCommand } from './emulator.ts'
import { linkCommand } from './link.ts'
import { captureCommand, lsCommand } from './list.ts'
import { restoreCommand } from './restore.ts'
import { getCommand, zipCommand } from './save.ts'
import { serveCommand } from './serve.ts'
import { webhookCommand } from './webhook.ts'

const commands: Readonly<Record<string, Command>> = {
  serve: serveCommand,
  get: getCommand,
  ls: lsCommand,
  zip: zipCommand,
  link: linkCommand,
  capture: captureCommand,
  webhook: webhookCommand,
  restore: restoreCommand,
  emulator: emulatorCommand,
  doctor: doctorCommand,
}

const usage = `cfile: the files that Azure OpenAI's code interpreter writes

${Object.entries(commands)
  .map(
    ([name, { usage, summary }]) => `  cfile ${`${name} ${usage}`.trimEnd()}\n      ${summary}\n`,
  )
  .join('')}  cfile help, cfile --version

They ask the gateway at CFILE_URL with the key CFILE_KEY; without it, the Azure of AZURE_OPENAI_ENDPOINT itself.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not there.
`

/** Runs one command line; resolves to the exit code. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const [name = 'help', ...rest] = args
  if (/^(?:help|--help|-h)$/.test(name) || rest.includes('--help')) return print(usage)
  if (/^(?:version|--version|-v)$/.test(name)) return print(`${version}\n`)
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) return fail(2, `There is no command "${name}"; cfile help lists them.`)
  try {
    return await command.run(rest)
  } catch (error) {
    return explain(error, `cfile ${name} ${command.usage}`)
  }
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

/** One line for a person; the stack of a bug goes to those who can mend it. */
function explain(error: unknown, usage: string): number {
  if (error instanceof UsageError) return fail(2, `${error.message} Usage: ${usage.trimEnd()}`)
  if (isCfileError(error)) return fail(isAbsent(error) ? 3 : 1, lineOf(error))
  if (error instanceof Error && 'code' in error) return fail(1, systemError(error))
  throw error
}

function isAbsent({ status }: CfileError): boolean {
  return status === 404 || status === 410
}

/** A hint may tell of the URL what is an option here. */
function lineOf({ message, details: { hint } }: CfileError): string {
  return hint === undefined
    ? message
    : `${message} ${hint.replace('?container_id=', '--container ')}`
}

function fail(code: number, line: string): number {
  process.stderr.write(`cfile: ${line.replace(/\s*\p{Cc}+\s*/gu, ' ')}\n`)
  return code
}

function systemError(error: Error & { code: unknown }): string {
  if (error.code === 'EADDRINUSE')
    return 'PORT is taken by another program; set PORT to a free one.'
  const syscall = 'syscall' in error ? error.syscall : undefined
  if (error.code === 'EADDRNOTAVAIL' || (error.code === 'ENOTFOUND' && syscall === 'getaddrinfo'))
    return 'HOST is not an address of this machine; set HOST to 127.0.0.1, or to 0.0.0.0 for all.'
  if (error.code === 'EACCES' && syscall === 'listen')
    return 'PORT is not open to this user; set PORT to 1024 or higher.'
  return error.message
}
