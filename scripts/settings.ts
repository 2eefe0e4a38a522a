/**
 * Writes `docs/settings.md` from the settings that `src/start/` declares: `npm run settings`.
 *
 * @module
 */

import { writeFileSync } from 'node:fs'
import type { Setting } from '../src/start/setting.ts'
import { type SettingGroup, settingGroups } from '../src/start/settings.ts'

const head = `# Settings

<!-- Written by \`npm run settings\` from src/start/. -->

cfile reads its settings from the environment; a Worker reads them from its vars, secrets and bindings of the same names. An empty value counts as not set.

A wrong value stops the start with one line that names the setting, what it got (secrets masked) and what it takes. \`cfile doctor\` tries the settings and says what to do about what is wrong.

Against a real resource, \`AZURE_OPENAI_ENDPOINT\` and \`AZURE_OPENAI_API_KEY\` are enough. A server that others can reach also needs \`HOST\`, \`CFILE_PUBLIC_URL\`, and \`CFILE_API_KEYS\` or \`CFILE_JWKS_URL\`; a deployed Worker needs \`CFILE_SIGNING_KEYS\` and callers' keys. All others are optional.
`

/** The page. */
export function settingsPage(): string {
  return `${head}${settingGroups.map(section).join('')}
\`secret\`: messages and logs mask the value. \`server\`: Workers do not read it. Defaults in words mean that no single value stands for them.
`
}

function section({ title, settings }: SettingGroup): string {
  const rows = settings.map(({ name, about, default: value = '', ...setting }) => {
    const isWord = !/^[\w.:/-]+$/.test(value) || /^(?:none|any)$/.test(value)
    return [`\`${name}\``, about, isWord ? value : `\`${value}\``, notesOf(setting)]
  })
  return `\n## ${title}\n\n${table(['name', 'meaning', 'default', 'notes'], rows)}`
}

/** A table in Markdown, aligned as Biome aligns it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
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

if (import.meta.main) {
  writeFileSync(new URL('../docs/settings.md', import.meta.url), settingsPage())
}
