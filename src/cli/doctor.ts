/**
 * `cfile doctor`: tries the settings as a server does, and says how to mend each failure.
 *
 * @module
 */

import { type Command, defineCommand, type Output, print } from './command.ts'
import type { Diagnosis } from './diagnosis.ts'
import type { Finding } from './examine-upstream.ts'
import { wrap } from './text.ts'

/** `cfile doctor` */
export const doctorCommand: Command = defineCommand({
  name: 'doctor',
  usage: '',
  summary: 'Try the settings of this machine as the server would',
  details:
    'It signs in at Azure, reads a list of containers, and writes, reads and deletes a probe in the store and in the archive. It says what to do about each failure, and ends with 1 if there is one.',
  options: {},
  examples: [
    ['Try the settings', 'doctor'],
    ['As JSON, for a script', 'doctor --json'],
  ],
  takes: 'none',
  async run({ values }, terminal) {
    // Loaded on demand, since it imports the whole server.
    const { diagnose } = await import('./diagnosis.ts')
    const diagnosis = await diagnose(terminal.env)
    const { out } = terminal
    const text = () => formatDiagnosis(diagnosis, out.width(), out.paint)
    print(terminal, { json: values.json, value: diagnosis, text })
    return diagnosis.isWell ? 0 : 1
  },
})

/**
 * Writes a diagnosis for a person.
 *
 * @param width longest line, in terminal columns
 * @param paint adds colours
 */
export function formatDiagnosis(
  { sections, isWell }: Diagnosis,
  width: number,
  paint: Output['paint'],
): string {
  const parts = sections.map(
    ({ title, findings }) => `${paint('bold', title)}\n${formatFindings(findings, width, paint)}`,
  )
  const failures = sections
    .flatMap(({ findings }) => findings)
    .filter(({ state }) => state === 'failed')
  const end = isWell ? 'All is well.' : `To mend: ${failures.length}.`
  return [...parts, end].join('\n\n')
}

const marks = { ok: 'ok', failed: 'FAIL', note: '-' } as const
const styles = { ok: 'green', failed: 'red', note: 'dim' } as const

/**
 * Writes findings as lines, each cure below its failure.
 *
 * @param width longest line, in terminal columns
 * @param paint adds colours
 */
function formatFindings(
  findings: readonly Finding[],
  width: number,
  paint: Output['paint'],
): string {
  const column = Math.max(...findings.map(({ what }) => what.length)) + 2
  const indent = 8 + column
  const rows = findings.flatMap(({ state, what, found, cure }) => [
    `  ${paint(styles[state], marks[state])}${' '.repeat(6 - marks[state].length)}${what.padEnd(column)}${hang(found, indent, width)}`,
    ...(cure === undefined ? [] : [`${' '.repeat(indent)}${hang(`> ${cure}`, indent + 2, width)}`]),
  ])
  return rows.join('\n')
}

/** Wraps a text that begins at a column, and indents its further lines to that column. */
function hang(text: string, indent: number, width: number): string {
  return wrap(text, Math.max(width - indent, 30)).join(`\n${' '.repeat(indent)}`)
}
