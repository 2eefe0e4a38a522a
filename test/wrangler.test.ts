/**
 * wrangler.toml explains every setting: a missing one is not found, and one without effect misleads.
 */

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { declaredSettings } from '../src/start/settings/settings.ts'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const toml = read('wrangler.toml')
const [explained = '', planned = ''] = toml.split(/^# =+ Not read yet =+$/m)
const settings = declaredSettings.map(({ name }) => name)
/** Settings that make no sense in a Worker: listening, disk, identity. */
const ofWorkers = declaredSettings.filter(({ only }) => only === undefined).map(({ name }) => name)

function namesIn(text: string): string[] {
  const variables = text.matchAll(/^# ([A-Z][A-Z0-9_]+) = /gm)
  const secrets = text.matchAll(/wrangler secret put ([A-Z][A-Z0-9_]+)/g)
  return [...variables, ...secrets].map(([, name = '']) => name)
}

describe('wrangler.toml', () => {
  it('explains every setting that a Worker reads, under the same heading, and no others', () => {
    expect(settings).toContain('AZURE_OPENAI_ENDPOINT')
    expect(namesIn(explained).sort()).toEqual(ofWorkers.sort())
  })

  it('says that planned settings have no effect, so that no one relies on a key that protects nothing', () => {
    const early = namesIn(planned).filter((name) => settings.includes(name))
    expect(early).toEqual([])
  })

  it('sets the compatibility date of the tests in workerd', () => {
    const date = /^compatibility_date = "([\d-]+)"$/m.exec(toml)?.[1]
    expect(date).toMatch(/^\d{4}-\d\d-\d\d$/)
    expect(read('vitest.config.ts')).toContain(`compatibilityDate: '${date}'`)
  })
})
