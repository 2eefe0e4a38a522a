/**
 * Writes the lists of settings, `docs/settings.md` and the help of `cfile serve`, from the declarations in
 * `src/start/settings/` and their comments. Run it by `npm run settings`.
 *
 * @module
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { limitSettings, linkSettings } from '../src/start/settings/app-options.ts'
import { upstreamSettings } from '../src/start/settings/azure.ts'
import { callerSettings, webhookSettings } from '../src/start/settings/callers.ts'
import { commandLineSettings, serverSettings } from '../src/start/settings/server.ts'
import type { Setting } from '../src/start/settings/setting.ts'
import { archiveSettings, copySettings, storeSetting } from '../src/start/settings/storage.ts'

/** A setting with the text of its comment. */
export interface DescribedSetting extends Setting {
  /** One sentence. */
  readonly about: string
  /** The default: a value, or words if it is no single value. */
  readonly default?: string
}

const groups: Readonly<Record<string, Readonly<Record<string, Setting>>>> = {
  'The upstream': upstreamSettings,
  Callers: callerSettings,
  'Links and captures': linkSettings,
  Records: { storeSetting },
  Copies: { ...archiveSettings, ...copySettings },
  Webhooks: webhookSettings,
  'The process': serverSettings,
  'Limits and times': limitSettings,
  'The command line': commandLineSettings,
}

const comment =
  /\/\*\*((?:(?!\*\/)[\s\S])+)\*\/\n(?: {2}\w+: |export const \w+: [\w<>]+ = )\{\s+name: '(\w+)'/g

function describeSettings(): Map<string, Pick<DescribedSetting, 'about' | 'default'>> {
  const folder = new URL('../src/start/settings/', import.meta.url)
  const files = readdirSync(folder)
  const sources = files.map((file) => readFileSync(new URL(file, folder), 'utf8'))
  const comments = [...sources.join('\n').matchAll(comment)]
  return new Map(
    comments.map(([, text = '', name = '']) => {
      const [about = '', value] = text
        .replace(/\s*\n *\* ?|\s+/g, ' ')
        .trim()
        .split(/ +@default /)
      return [name, { about, ...(value && { default: value }) }]
    }),
  )
}

const described = describeSettings()

/** All settings, in groups. */
export const settingGroups: readonly {
  readonly title: string
  readonly settings: readonly DescribedSetting[]
}[] = Object.entries(groups).map(([title, settings]) => ({
  title,
  settings: Object.values(settings).map((setting) => ({
    ...setting,
    about: '',
    ...described.get(setting.name),
  })),
}))

const head = `# Settings

<!-- Written by \`npm run settings\` from src/start/settings/. -->

cfile reads its settings from the environment; a Worker reads them from its vars, secrets and bindings of the same names. An empty value counts as not set.

A wrong value stops the start with one line that names the setting, what it got (secrets masked) and what it takes. \`cfile doctor\` tries the settings and says how to mend each failure.

Against a real resource, \`AZURE_OPENAI_ENDPOINT\` and \`AZURE_OPENAI_API_KEY\` are enough. A server that others can reach also needs \`HOST\`, \`CFILE_PUBLIC_URL\`, and \`CFILE_API_KEYS\` or \`CFILE_JWKS_URL\`; a deployed Worker needs \`CFILE_SIGNING_KEYS\` and callers' keys. All others are optional.
`

/** Creates docs/settings.md. */
export function settingsPage(): string {
  return `${head}${settingGroups.map(section).join('')}
\`secret\`: messages and logs mask the value. \`server\`: Workers do not read it. A default in words has no single value.
`
}

function section({ title, settings }: (typeof settingGroups)[number]): string {
  const rows = settings.map(({ name, about, default: value = '', ...setting }) => {
    const isWord = !/^[\w.:/-]+$/.test(value) || /^(?:none|any)$/.test(value)
    return [`\`${name}\``, about, isWord ? value : `\`${value}\``, notesOf(setting)]
  })
  return `\n## ${title}\n\n${table(['name', 'meaning', 'default', 'notes'], rows)}`
}

/** Creates a table in Markdown, aligned as Biome aligns it. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[], fill = ' ') =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width, fill)).join(' | ')} |\n`
  return [line(head), line([], '-'), ...rows.map((row) => line(row))].join('')
}

function notesOf({ secret, only }: Pick<Setting, 'secret' | 'only'>): string {
  return [...(secret ? ['secret'] : []), ...(only === 'server' ? [only] : [])].join(', ')
}

/** Creates the module with the help texts. */
export function settingsHelp(): string {
  const texts = settingGroups.map(({ title, settings }) => {
    const lines = settings.map(({ name, about, default: value }) =>
      `${name} ${about}${value ? ` Default: ${value}.` : ''}`.replaceAll('`', ''),
    )
    return [title, ...lines, ''].join('\n')
  })
  return `/**
 * The settings in the output of \`cfile help serve\`. Written by \`npm run settings\`.
 *
 * @module
 */

/** The settings in groups: a title, then a line for each setting with its name, its sentence and its default. */
export const settingsHelp: string = \`${texts.join('\n')}\`
`
}

if (import.meta.main) {
  writeFileSync(new URL('../docs/settings.md', import.meta.url), settingsPage())
  writeFileSync(new URL('../src/start/settings/help.ts', import.meta.url), settingsHelp())
}
