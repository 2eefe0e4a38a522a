/**
 * Which subcommand runs, and what a person sees when it can't.
 *
 * @module
 */

import { isCfileError } from '../core/errors.ts'
import { serveCommand } from './serve.ts'

const usage = `cfile: the files that Azure OpenAI's code interpreter writes

  cfile serve    serve them, as the environment says (HOST, PORT, AZURE_OPENAI_ENDPOINT, …)
  cfile help     this text
`

/** Runs one command line; resolves to the exit code. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const [name = 'help', ...rest] = args
  if (name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(usage)
    return 0
  }
  if (name !== 'serve' || rest.length > 0) {
    process.stderr.write(`cfile: unknown command "${args.join(' ')}".\n\n${usage}`)
    return 2
  }
  return serveCommand().catch(fail)
}

/** One line for a person; the stack of a bug only goes to those who ask for debugging. */
function fail(error: unknown): number {
  if (isCfileError(error)) process.stderr.write(`cfile: ${error.message}\n`)
  else if (error instanceof Error && 'code' in error)
    process.stderr.write(`cfile: ${listenError(error)}\n`)
  else throw error
  return 1
}
function listenError(error: Error & { code: unknown }): string {
  if (error.code === 'EADDRINUSE')
    return 'PORT is taken by another program; set PORT to a free one.'
  if (error.code === 'EADDRNOTAVAIL') return 'HOST is not an address of this machine.'
  return error.message
}
