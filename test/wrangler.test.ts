/**
 * wrangler.toml explains what there is: a variable that it leaves out is not found, one that nobody reads deceives.
 */

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { declaredSettings } from '../src/start/settings.ts'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const toml = read('wrangler.toml')
const [explained = '', planned = ''] = toml.split(/^# =+ Not read yet =+$/m)
const settings = declaredSettings.map(({ name }) => name)
/** A Worker listens nowhere, has no disk, and nobody gives it an identity. */
const ofWorkers = declaredSettings.filter(({ only }) => only === undefined).map(({ name }) => name)

function namesIn(text: string): string[] {
  const variables = text.matchAll(/^# ([A-Z][A-Z0-9_]+) = /gm)
  const secrets = text.matchAll(/wrangler secret put ([A-Z][A-Z0-9_]+)/g)
  return [...variables, ...secrets].map(([, name = '']) => name)
}

describe('wrangler.toml', () => {
  it('explains every setting that a Worker reads, and under the same heading none that it does not', () => {
    expect(settings).toContain('AZURE_OPENAI_ENDPOINT')
    expect(namesIn(explained).sort()).toEqual(ofWorkers.sort())
  })

  it('says of what is planned that nothing reads it, so that nobody believes in a key that protects nothing', () => {
    const early = namesIn(planned).filter((name) => settings.includes(name))
    expect(early).toEqual([])
  })

  it('sets the date that the tests in workerd run at', () => {
    const date = /^compatibility_date = "([\d-]+)"$/m.exec(toml)?.[1]
    expect(date).toMatch(/^\d{4}-\d\d-\d\d$/)
    expect(read('vitest.config.ts')).toContain(`compatibilityDate: '${date}'`)
  })
})
