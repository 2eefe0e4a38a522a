import { expect, it } from 'vitest'
import manifest from '../../../package.json' with { type: 'json' }
import { version } from '../../../src/core/observe/version.ts'

it('equals the package’s version, so that bug reports name the right one', () => {
  expect(version).toBe(manifest.version)
})
