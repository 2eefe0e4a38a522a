/** Arbitrary grants of all kinds, and the changes that may happen to their links. */

import fc from 'fast-check'
import type { Grant } from '../../../src/core/links/grant.ts'

export const now = 1_790_000_000
export const containerId = `cntr_${'6a1b2c3d'.padEnd(48, '4')}`
export const fileId = `cfile_${'6a1b2c3e'.padEnd(32, '5')}`

/** Any UTF-16 units, so lone surrogates too. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0x20, max: 0x7e })), { maxLength: 40 })
  .map((units) => String.fromCharCode(...units))
const anyName = fc.oneof(
  anyText,
  fc.constantFrom("it's (1)*!.csv", '100%.csv', '%41.csv', '😀.png', '..', 'a b+c.csv', '?#&=/\\'),
  fc.constantFrom('s', 'deadbeef', 'cntr_ab', 'cfile_00', '\ufeffa.csv', 'für alle.xlsx'),
)
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const terms = {
  expiresAt: fc.integer({ min: now + 1, max: now + 1e6 }),
  upstream: optional(anyName),
  owner: optional(
    fc.oneof(fc.stringMatching(/^[\w-]{1,64}$/), fc.stringMatching(/^[0-9a-f]{32}$/)),
  ),
}
const disposition = fc.constantFrom('attachment' as const, 'inline' as const)

export const anyGrant: fc.Arbitrary<Grant> = fc.oneof(
  fc.record({
    ...terms,
    kind: fc.constant('file' as const),
    fileId: fc.constantFrom(fileId, 'assistant-Ab12'),
    containerId: fc.constantFrom(containerId, 'container_x'),
    filename: optional(anyName),
    disposition,
  }),
  fc.record({
    ...terms,
    kind: fc.constant('file' as const),
    fileId: fc.constant('file-Ab12'),
    filename: anyName,
    disposition,
  }),
  fc.record({
    ...terms,
    kind: fc.constant('path' as const),
    containerId: fc.constant(containerId),
    path: fc
      .array(anyName, { minLength: 1, maxLength: 3 })
      .map((parts) => parts.join('/'))
      .filter((path) => path !== ''),
    disposition,
  }),
  fc.record({
    ...terms,
    kind: fc.constantFrom('page' as const, 'zip' as const),
    containerId: fc.constant(containerId),
  }),
)

const alphabet = 'ABCXYZabcxyz0189-._~%/?&=:+#; \\\u0000é\u017f'
const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** A change to a token; `other` is another valid token. */
export interface Mutation {
  readonly how: (typeof hows)[number]
  readonly at: number
  readonly character: string
  readonly bits: number
}

const hows = [
  'change',
  'drop',
  'double',
  'add',
  'case',
  'escape',
  'bits',
  'cut',
  'splice',
  'swap',
  'pad',
] as const

export const anyMutation: fc.Arbitrary<Mutation> = fc.record({
  how: fc.constantFrom(...hows),
  at: fc.nat(),
  character: fc.constantFrom(...alphabet),
  bits: fc.integer({ min: 1, max: 63 }),
})

/** Changes a token, or leaves it as it is. */
export function mutate(
  token: string,
  other: string,
  { how, at, character, bits }: Mutation,
): string {
  const index = at % token.length
  const old = token.charAt(index)
  const put = (text: string) => token.slice(0, index) + text + token.slice(index + 1)
  const [payload = '', signature = ''] = token.split('.')
  switch (how) {
    case 'change':
      return put(character)
    case 'drop':
      return put('')
    case 'double':
      return put(old + old)
    case 'add':
      return put(old + character)
    case 'case':
      return put(old === old.toLowerCase() ? old.toUpperCase() : old.toLowerCase())
    case 'escape':
      return put(`%${old.charCodeAt(0).toString(16)}`)
    case 'bits':
      // Another character of the alphabet. Includes changes to the unused bits at the end of each part.
      return put(base64url.charAt(base64url.indexOf(old) ^ bits) || '.')
    case 'cut':
      return token.slice(0, index)
    case 'splice':
      return `${payload}.${other.split('.')[1]}`
    case 'swap':
      return `${signature}.${payload}`
    case 'pad':
      return index % 2 === 0 ? `${payload}=.${signature}` : `${token}==`
  }
}

/** Changes the name and the query of a link as other programs do. The token stays. */
export const anyRewriting: fc.Arbitrary<(link: string) => string> = fc
  .array(
    fc.constantFrom<(link: string) => string>(
      (link) => `${link}?utm_source=mail&utm_medium=x`,
      (link) => `${link}?z=1&a=2&disposition=inline&container_id=cntr_x&e=1&s=x`,
      (link) => `${link}#top`,
      (link) => `${link}?`,
      (link) => `${withoutName(link)}?download=1`,
      (link) => withoutName(link),
      (link) => `${withoutName(link)}/`,
      (link) => (/[?#]|\/$/.test(link) ? link : `${link}/`),
      (link) => renamed(link, 'other%20name.html'),
      (link) => renamed(link, 's'),
      (link) => renamed(link, '%ff%E0%A4%A'),
      (link) => link.replace(/%[0-9A-F]{2}/g, (escaped) => escaped.toLowerCase()),
      (link) => link.replaceAll('%20', '+'),
      (link) => onName(link, (name) => escapeAll(name)),
      (link) => onName(link, (name) => name.replaceAll('%', '%25')),
      (link) => onName(link, (name) => decodeSafely(name)),
      (link) => new URL(link).href,
      (link) => encodeURI(decodeSafely(link)),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((steps) => (link) => steps.reduce((text, step) => step(text), link))

function onName(link: string, change: (name: string) => string): string {
  const [, head = '', name = '', rest = ''] = /^(.*\/s\/[^/?#]+\/?)([^/?#]*)(.*)$/s.exec(link) ?? []
  return head + (head.endsWith('/') ? change(name).replace(/[/?#\\]|^\.{1,2}$/g, '_') : name) + rest
}

const renamed = (link: string, name: string) => onName(link, () => name)

const withoutName = (link: string) => link.replace(/(\/s\/[^/?#]+).*$/s, '$1')

function escapeAll(text: string): string {
  return text.replace(/[A-Za-z]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
