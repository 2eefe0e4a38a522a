import { describe, expect, it } from 'vitest'
import { nearestName } from '../../../src/start/settings/nearest-name.ts'

const names = ['AZURE_OPENAI_ENDPOINT', 'CFILE_API_KEYS', 'CFILE_PUBLIC_URL', 'CFILE_LINKS', 'PORT']

describe('nearestName', () => {
  it.each([
    ['CFILE_API_KEY', 'CFILE_API_KEYS'],
    ['CFILE_APIKEYS', 'CFILE_API_KEYS'],
    ['CFILE_PUBLICURL', 'CFILE_PUBLIC_URL'],
    ['CFILE_PUBLIC_ULR', 'CFILE_PUBLIC_URL'],
    ['CFILE_OPENAI_ENDPOINT', 'AZURE_OPENAI_ENDPOINT'],
    ['CFILE_PORT', 'PORT'],
    ['CFILE_LINK', 'CFILE_LINKS'],
  ])('knows what %s should have been', (wrong, right) => {
    expect(nearestName(wrong, names)).toBe(right)
  })

  it('does not guess where nothing is near', () => {
    for (const wrong of ['CFILE_', 'CFILE_X', 'CFILE_SOMETHING_ELSE']) {
      expect(nearestName(wrong, names), wrong).toBeUndefined()
    }
  })
})
