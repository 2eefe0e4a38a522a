import { describe, expect, it } from 'vitest'
import { estimateBits, nearestName } from '../../../src/start/settings/warnings.ts'
import { rounds } from '../../lib/rounds.ts'

const bitsOf = (text: string) => estimateBits(new TextEncoder().encode(text))

describe('estimateBits', () => {
  it.each([
    'a'.repeat(40),
    'ab'.repeat(20),
    '0123456789abcdef'.repeat(4),
    'abcdefghijklmnopqrstuvwxyz012345',
    'zyxwvutsrqponmlkjihgfedcba987654',
    'secret'.repeat(6),
    '00000000-0000-0000-0000-000000000000',
    '1111222233334444',
    '',
  ])('finds that %s is easy to guess, however long it is', (text) => {
    expect(bitsOf(text)).toBeLessThan(20)
  })

  it('does not mistake random text for a pattern', () => {
    for (let round = 0; round < rounds(500); round += 1) {
      const hex = Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) =>
        byte.toString(16).padStart(2, '0'),
      ).join('')
      expect(bitsOf(hex), hex).toBeGreaterThan(150)
      expect(bitsOf(hex.slice(0, 16)), hex.slice(0, 16)).toBeGreaterThan(25)
    }
  })
})

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
  ])('suggests the right name for %s', (wrong, right) => {
    expect(nearestName(wrong, names)).toBe(right)
  })

  it('does not guess where nothing is near', () => {
    for (const wrong of ['CFILE_', 'CFILE_X', 'CFILE_SOMETHING_ELSE']) {
      expect(nearestName(wrong, names), wrong).toBeUndefined()
    }
  })
})
