import { expect, it } from 'vitest'
import { prefersHtml } from '../../../src/core/http/accept.ts'

it.each([
  ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', true],
  ['text/html', true],
  ['TEXT/HTML ; Q=0.9 , */*;q=0.1', true],
  ['text/*, */*;q=0.5', true],
  ['*/*', false],
  [undefined, false],
  ['', false],
  ['application/json, text/plain, */*', false],
  ['text/html;q=0.5, application/json', false],
  ['text/html;q=0', false],
  ['text/html;q=nonsense', false],
  ['text/html, application/json', false],
  ['image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5', false],
  ['text/event-stream', false],
])('of Accept: %s a browser gets a page, and a program JSON', (accept, isPage) => {
  expect(prefersHtml(accept)).toBe(isPage)
})
