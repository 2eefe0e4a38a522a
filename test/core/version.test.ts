import { expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { version } from '../../src/core/version.ts'

it('is that of the package, so that a report of a bug names the right one', () => {
  expect(version).toBe(manifest.version)
})
