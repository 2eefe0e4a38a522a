import { describe, expect, it } from 'vitest'
import { isSigned } from '../../src/core/link-spelling.ts'

describe('isSigned', () => {
  it('takes a link for a link though part of it is missing, so that no other credential serves it', () => {
    for (const query of [
      'e=1&k=a&s=x',
      '?e=1&k=a&s=x',
      'e=1&k=a',
      'k=a&s=x',
      's',
      's=',
      'x=1&s=a&s=b',
      '%73=x',
      'S=x',
      'u=default&amp;e=1&amp;k=a',
      'e=1;k=a;s=x',
      'x=1&amp;s=x',
      'n=a.csv',
      '+s=x',
    ]) {
      expect(isSigned(query), query).toBe(true)
    }
  })

  it('leaves the parameters of plain requests alone', () => {
    for (const query of [
      '',
      '?',
      'container_id=cntr_a',
      'disposition=inline',
      'all=1',
      'ss=1',
      'expires=1',
    ]) {
      expect(isSigned(query), query).toBe(false)
    }
  })
})
