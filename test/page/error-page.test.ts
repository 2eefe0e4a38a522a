import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CfileError } from '../../src/core/errors.ts'
import { errorPage } from '../../src/page/error-page.ts'
import { rounds } from '../lib/rounds.ts'

it('renders no text of an error as markup', () => {
  const tags = (text: string) =>
    String(
      errorPage({
        error: new CfileError('not_found', text, { hint: text }),
        requestId: text,
        nonce: 'n',
      }),
    ).match(/<[a-z!/][^>]*>/gi)?.length
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...`<>"'&=/ ax`) }), (text) => {
      expect(tags(text)).toBe(tags(''))
    }),
    { numRuns: rounds(200), seed: 7 },
  )
})
