/**
 * Runs one command line.
 *
 * @module
 */

import { version } from '../core/observe/version.ts'
import type { Env } from '../start/serve.ts'
import { nearestName } from '../start/settings/warnings.ts'
import {
  type Command,
  type CommandInfo,
  createOutput,
  defineCommand,
  print,
  type Terminal,
} from './command.ts'
import { completionCommand } from './completion.ts'
import { doctorCommand } from './doctor.ts'
import { emulatorCommand } from './emulator.ts'
import { describeFailure, Interrupted, toErrorLine } from './failure.ts'
import { formatHelp, formatOverview } from './help.ts'
import { linkCommand } from './link.ts'
import { captureCommand, lsCommand } from './list.ts'
import { restoreCommand } from './restore.ts'
import { getCommand, zipCommand } from './save.ts'
import { serveCommand } from './serve.ts'
import { webhookCommand } from './webhook.ts'

const fileCommands = [
  getCommand,
  lsCommand,
  zipCommand,
  linkCommand,
  captureCommand,
  restoreCommand,
]
const serverCommands = [serveCommand, doctorCommand, webhookCommand, emulatorCommand]

const helpCommand = defineCommand({
  name: 'help',
  usage: '[COMMAND]',
  summary: 'Explain a command and its options',
  arguments: [['COMMAND', 'The command to explain. Without it, all commands are listed.']],
  options: {},
  choices: [...fileCommands, ...serverCommands].map(({ name }) => name),
  examples: [['Explain cfile get', 'help get']],
  takes: 'any',
  run: async ({ argument, values }, terminal) => showHelp(argument, terminal, values.json),
})

const versionCommand = defineCommand({
  name: 'version',
  usage: '',
  summary: 'Show the version',
  options: {},
  examples: [['Show the version', 'version']],
  takes: 'none',
  async run({ values }, terminal) {
    print(terminal, { json: values.json, value: { version }, text: () => version })
    return 0
  },
})

const groups: readonly (readonly [title: string, commands: readonly Command[]])[] = [
  ['FILES', fileCommands],
  ['SERVER', serverCommands],
  ['MORE', [completionCommand(commands), helpCommand, versionCommand]],
]

/** All commands, in the order of the help. */
export function commands(): readonly Command[] {
  return groups.flatMap(([, list]) => list)
}

function names(): string[] {
  return commands().map(({ name }) => name)
}

function find(name: string): Command | undefined {
  return commands().find((command) => command.name === name)
}

/** Whether a command line starts a server, which outlives the readers of its output. */
export function startsServer([name = '']: readonly string[]): boolean {
  return find(name)?.isServer ?? false
}

/** The streams, variables and signals of the process. */
interface ProcessAccess {
  readonly env: Env
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** Registers an action for Ctrl-C. Returns a function that removes it. */
  onInterrupt(act: () => void): () => void
}

/** Runs one command line; resolves to the exit code. */
export async function runCommand(
  args: readonly string[],
  { env, stdout, stderr, onInterrupt }: ProcessAccess,
): Promise<number> {
  const interrupt = new AbortController()
  const terminal: Terminal = {
    env,
    signal: interrupt.signal,
    out: createOutput(stdout, env),
    err: createOutput(stderr, env),
  }
  const [first = 'help', ...rest] = args
  const name = aliases.get(first) ?? first
  const command = find(name)
  if (command === undefined) return refuseUnknown(name, terminal)
  if (asksForHelp(rest)) return showHelp(name, terminal, rest.includes('--json'))
  const stopListening = command.isServer
    ? () => {}
    : onInterrupt(() => interrupt.abort(new Interrupted('Interrupted.')))
  try {
    return await Promise.race([command.run(rest, terminal), failAfterAbort(interrupt.signal)])
  } catch (error) {
    return fail(error, command, terminal)
  } finally {
    stopListening()
  }
}

const aliases = new Map(
  Object.entries({
    '--help': 'help',
    '-h': 'help',
    '--version': 'version',
    '-v': 'version',
  }),
)

/** After `--`, words are arguments. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  const options = end === -1 ? args : args.slice(0, end)
  return options.includes('--help') || options.includes('-h')
}

// Time for a command to finish its files.
const graceMs = 2000

/** Rejects if a command still runs two seconds after Ctrl-C. */
function failAfterAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      setTimeout(() => reject(signal.reason), graceMs).unref()
    })
  })
}

function fail(error: unknown, command: CommandInfo, terminal: Terminal): number {
  const { signal, err } = terminal
  // Any failure after Ctrl-C is a consequence of it.
  const cause = signal.aborted && !(error instanceof Interrupted) ? signal.reason : error
  const { exitCode, line } = describeFailure(cause, command)
  err.write(toErrorLine(line))
  return exitCode
}

function refuseUnknown(name: string, { err }: Terminal): number {
  const nearest = nearestName(name, names())
  const help =
    nearest === undefined ? 'cfile help lists the commands.' : `Did you mean "${nearest}"?`
  err.write(toErrorLine(`There is no command "${name}". ${help}`))
  return 2
}

function showHelp(name: string, terminal: Terminal, json = false): number {
  const command = find(name)
  if (name !== '' && command === undefined) return refuseUnknown(name, terminal)
  const text = () =>
    command === undefined ? formatOverview(groups, terminal.out) : formatHelp(command, terminal.out)
  print(terminal, { json, value: describe(command), text })
  return 0
}

/** The help as data. */
function describe(command: CommandInfo | undefined): object {
  if (command === undefined) return commands().map(({ name, summary }) => ({ name, summary }))
  const { name, usage, summary, details, options, examples } = command
  return { name, usage, summary, details, options, examples }
}
