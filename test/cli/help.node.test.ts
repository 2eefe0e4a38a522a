import { describe, expect, it } from 'vitest'
import type { Output } from '../../src/cli/command.ts'
import { formatHelp, formatOverview } from '../../src/cli/help.ts'
import { commands } from '../../src/cli/run.ts'
import { declaredSettings } from '../../src/start/settings/settings.ts'

const all = commands().map((command) => [command.name, command] as const)

function output(columns: number): Output {
  return { isTerminal: true, width: () => columns, write() {}, paint: (_, text) => text }
}

describe('the help', () => {
  it('lists every command in lines that fit on a terminal', () => {
    for (const columns of [80, 120]) {
      const text = formatOverview([['COMMANDS', commands()]], output(columns))
      for (const [name] of all) expect(text).toMatch(new RegExp(`^ {2}${name} {2,}[A-Z]`, 'm'))
      expect(text.split('\n').filter((line) => line.length > columns)).toEqual([])
    }
  })

  it.each(all)('of %s explains each option, shows an example, and fits', (name, command) => {
    for (const columns of [80, 120]) {
      const text = formatHelp(command, output(columns))
      for (const option of [...Object.keys(command.options), 'json', 'help']) {
        expect(text).toMatch(new RegExp(`^ .*--${option}( [A-Z]+)? {2,}[A-Z].*`, 'm'))
      }
      expect(text).toContain(`\n\nUSAGE\n  cfile ${name}`)
      expect(text).toMatch(new RegExp(`\\n\\nEXAMPLES\\n(  # .+\\n  \\$ cfile ${name}.*\\n?)+$`))
      expect(text.split('\n').filter((line) => line.length > columns)).toEqual([])
    }
  })

  it('of serve lists every setting', () => {
    const serve = commands().find(({ name }) => name === 'serve')
    const text = serve === undefined ? '' : formatHelp(serve, output(80))
    for (const { name } of declaredSettings) expect(text).toMatch(new RegExp(`^  ${name} `, 'm'))
  })
})
