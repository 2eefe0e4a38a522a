/**
 * Compares every list of settings with the declarations in `src/start/settings/`.
 */

import { describe, expect, it } from 'vitest'
import { settingGroups, settingsHelp, settingsPage } from '../../scripts/settings.ts'
import { declaredSettings } from '../../src/start/settings/settings.ts'
import { read } from '../deploy/files.ts'
import { settings as documented } from '../deploy/names.ts'

const declared = settingGroups.flatMap(({ settings }) => settings)

/** Words in place of a value. */
const isValue = (text: string | undefined): text is string =>
  text !== undefined && /^[\w.:/-]+$/.test(text) && text !== 'none' && text !== 'any'

describe('the declared settings', () => {
  it('are those that the contract names, each once', () => {
    const names = declared.map(({ name }) => name)
    expect(declaredSettings.map(({ name }) => name).sort()).toEqual([...names].sort())
    expect([...names].sort()).toEqual([...documented].sort())
    expect(new Set(names).size).toBe(names.length)
  })

  it('have a sentence each that fits one line of help', () => {
    for (const { name, about } of declared) {
      expect(about, name).toMatch(/^\S.*\.$/)
      expect(about.length, name).toBeLessThan(180)
    }
  })
})

describe('docs/settings.md and the help of cfile serve', () => {
  it('are what npm run settings writes', () => {
    expect(read('docs/settings.md')).toBe(settingsPage())
    expect(read('src/start/settings/help.ts')).toBe(settingsHelp())
  })
})

describe('wrangler.toml', () => {
  it('shows the default of each setting that has a value as its default', () => {
    const commented = new Map(
      [...read('wrangler.toml').matchAll(/^# ([A-Z][A-Z0-9_]+) = "(.*)"$/gm)].map(
        ([, name = '', value = '']) => [name, value],
      ),
    )
    for (const { name, default: value, only } of declared) {
      if (isValue(value) && only === undefined) expect(commented.get(name), name).toBe(value)
    }
  })
})

describe('the options of createApp', () => {
  it('have the defaults of the settings', () => {
    const options = new Map(
      [
        ...read('src/options.ts').matchAll(
          /@default ([^\n]+?)(?: \*\/\n|\n +\*\/\n) +readonly (\w+)\?/g,
        ),
      ].map(([, value = '', option = '']) => [option, value]),
    )
    const found: Record<string, string | undefined> = {}
    for (const [name, option] of Object.entries(optionsOf)) {
      found[name] = textOf(options.get(option))
    }
    const declaredOptions = declared.filter(({ name }) => name in optionsOf)
    expect(found).toEqual(
      Object.fromEntries(declaredOptions.map(({ name, default: value }) => [name, value])),
    )
  })
})

const optionsOf: Readonly<Record<string, string>> = {
  CFILE_CAPTURES: 'captures',
  CFILE_TRUST_UNRECORDED: 'trustUnrecorded',
  CFILE_PUBLIC_URL: 'publicUrl',
  CFILE_CORS_ORIGINS: 'corsOrigins',
  CFILE_LINK_TTL: 'linkTtl',
  CFILE_LINKS: 'links',
  CFILE_SWEEP: 'sweep',
  CFILE_INLINE_IMAGES: 'inlineImages',
  CFILE_HEAL: 'heal',
  CFILE_ARCHIVE_MODE: 'archiveMode',
  CFILE_ARCHIVE_CONCURRENCY: 'archiveConcurrency',
  CFILE_ARCHIVE_TTL: 'archiveTtl',
  CFILE_MAX_FILE_BYTES: 'maxFileBytes',
  CFILE_MAX_BODY_BYTES: 'maxBodyBytes',
  CFILE_UPSTREAM_TIMEOUT_MS: 'upstreamTimeoutMs',
  CFILE_GENERATION_TIMEOUT_MS: 'generationTimeoutMs',
  CFILE_IDLE_TIMEOUT_MS: 'idleTimeoutMs',
  CFILE_STREAM_IDLE_TIMEOUT_MS: 'streamIdleTimeoutMs',
  CFILE_ACCESS_LOG: 'accessLog',
}

/** The default of an option, spelled as a setting is. */
function textOf(text: string | undefined): string | undefined {
  const units = { GiB: 1024 ** 3, MiB: 1024 ** 2 }
  const [, amount, unit] = /^(\d+) (GiB|MiB)$/.exec(text ?? '') ?? []
  if (unit === 'GiB' || unit === 'MiB') return String(Number(amount) * units[unit])
  if (text === 'true' || text === 'false') return text === 'true' ? '1' : '0'
  return text?.replaceAll("'", '')
}
