/**
 * Formats the help texts from the descriptions of the commands.
 *
 * @module
 */

import { type CommandInfo, type Option, type Output, sharedOptions } from './command.ts'
import { wrap } from './text.ts'

/** The commands, in the groups in which the help lists them. */
type CommandGroups = readonly (readonly [title: string, commands: readonly CommandInfo[]])[]

/** The environment variables in the help of `cfile`. */
const environment: readonly Row[] = [
  ['CFILE_URL', 'URL of the gateway to talk to. Without it the commands talk to Azure directly.'],
  ['CFILE_KEY', 'Your key for that gateway.'],
  ['AZURE_OPENAI_ENDPOINT', 'Azure OpenAI resource, used if CFILE_URL is not set.'],
  ['AZURE_OPENAI_API_KEY', 'Its key. Without a key cfile signs in with Entra ID.'],
  ['NO_COLOR', 'Any value switches colours off.'],
]

const exitCodes: readonly Row[] = [
  ['0', 'done'],
  ['1', 'failed'],
  ['2', 'wrong usage'],
  ['3', 'not found'],
  ['130', 'interrupted with Ctrl-C'],
]

/**
 * Formats the help of `cfile` itself.
 *
 * @param out terminal, for its width and colours
 */
export function formatOverview(groups: CommandGroups, out: Output): string {
  const write = createWriter(out)
  const column = Math.max(...groups.flatMap(([, list]) => list.map(({ name }) => name.length)))
  return [
    'Download and share the files that the code interpreter of Azure OpenAI writes.',
    write.block('USAGE', ['cfile COMMAND [options]']),
    ...groups.map(([title, commands]) =>
      write.rows(
        title,
        commands.map(({ name, summary }) => [name.padEnd(column), summary]),
      ),
    ),
    write.rows('OPTIONS', [
      ['-h, --help', 'Show this help, or the help of a command.'],
      ['-v, --version', 'Show the version.'],
    ]),
    write.examples([
      ['Download a file under its own name', 'get cfile_68e9…'],
      ['Download everything that a response cites', 'get resp_68e9…'],
      ['See what a container holds', 'ls cntr_68e9…'],
    ]),
    write.rows('ENVIRONMENT', environment),
    write.rows('EXIT CODES', exitCodes),
    write.block('LEARN MORE', ['cfile help COMMAND explains a command and all of its options.']),
  ].join('\n\n')
}

/**
 * Formats the help of one command.
 *
 * @param out terminal, for its width and colours
 */
export function formatHelp(command: CommandInfo, out: Output): string {
  const write = createWriter(out)
  const { name, usage, summary, details, examples } = command
  const options = Object.entries({ ...command.options, ...sharedOptions })
  return [
    write.text(`${summary}.`),
    ...(details === undefined ? [] : details.split('\n').map((paragraph) => write.text(paragraph))),
    write.block('USAGE', [usageOf({ name, usage })]),
    ...(command.arguments === undefined ? [] : [write.rows('ARGUMENTS', command.arguments)]),
    write.rows(
      'OPTIONS',
      options.map(([long, option]) => [nameOf(long, option), option.help]),
    ),
    ...settingGroupsOf(command.settings).map(([title, rows]) => write.rows(title, rows)),
    write.examples(examples),
  ].join('\n\n')
}

/** Splits the list of settings into its groups. */
function settingGroupsOf(settings = ''): (readonly [title: string, rows: readonly Row[]])[] {
  const groups = settings.split('\n\n').filter((group) => group !== '')
  return groups.map((group) => {
    const [title = '', ...lines] = group.trim().split('\n')
    return [title.toUpperCase(), lines.map((line): Row => [nameIn(line), restOf(line)])]
  })
}

/** The first word of a line. */
const nameIn = (line: string): string => line.slice(0, line.indexOf(' '))

/** All but the first word of a line. */
const restOf = (line: string): string => line.slice(line.indexOf(' ') + 1)

/** Writes the usage of a command on one line. */
export function usageOf({ name, usage }: Pick<CommandInfo, 'name' | 'usage'>): string {
  return `cfile ${name} ${usage} [options]`.replace(/ {2,}/g, ' ')
}

/** Writes how an option is given: `-o, --output FILE`. */
function nameOf(long: string, { short, value }: Option): string {
  return `${short ? `-${short}, ` : '    '}--${long}${value ? ` ${value}` : ''}`
}

type Row = readonly [name: string, help: string]

// Longer lines are hard to read.
const widest = 100

function createWriter({ width, paint }: Output) {
  const most = Math.min(width(), widest)
  const block = (title: string, lines: readonly string[]): string =>
    [paint('bold', title), ...lines.map((line) => `  ${line}`)].join('\n')
  return {
    block,
    text: (text: string): string => wrap(text, most).join('\n'),
    rows(title: string, rows: readonly Row[]): string {
      const column = Math.max(...rows.map(([name]) => name.length)) + 2
      const lines = rows.flatMap(([name, help]) =>
        wrap(help, Math.max(most - column - 2, 24)).map(
          (line, at) => (at === 0 ? name : '').padEnd(column) + line,
        ),
      )
      return block(title, lines)
    },
    examples: (examples: readonly Row[]): string =>
      block(
        'EXAMPLES',
        examples.flatMap(([about, line]) => [paint('dim', `# ${about}`), `$ cfile ${line}`]),
      ),
  }
}
