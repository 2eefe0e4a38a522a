/**
 * Warnings about settings that are valid but probably wrong: unknown names with the nearest known one, old API versions,
 * weak secrets.
 *
 * @module
 */

import { endpointWarning } from '../../azure/endpoint.ts'
import type { UpstreamOptions } from '../../options.ts'
import type { Variables } from './setting.ts'

/** The settings that are checked. */
interface CheckedSettings {
  readonly upstreams: readonly UpstreamOptions[]
  readonly keys?: readonly { readonly key: string }[]
  readonly signingKeys?: readonly { readonly secret: Uint8Array }[]
}

/**
 * Returns the warnings, one line each, without secrets.
 *
 * @param settings that were read
 * @param variables of the process, or bindings of a Worker
 * @param names names of all settings
 */
export function settingWarnings(
  settings: CheckedSettings,
  variables: Variables,
  names: readonly string[],
): string[] {
  const { upstreams, signingKeys } = settings
  const endpointWarnings = upstreams.flatMap(({ endpoint }) =>
    typeof endpoint === 'string' ? [] : (endpointWarning(endpoint) ?? []),
  )
  const lacksSigningKey = signingKeys === undefined && upstreams.length > 0
  return [
    ...unknownNames(variables, names),
    ...endpointWarnings,
    ...(lacksSigningKey ? [noSigningKey] : []),
    ...weakSecrets(settings),
  ]
}

const noSigningKey =
  'CFILE_SIGNING_KEYS is not set: links work only in this process, and end when it stops.'

function unknownNames(variables: Variables, names: readonly string[]): string[] {
  return Object.entries(variables)
    .filter(([name, value]) => /^CFILE_/.test(name) && isSetByUser(name, value))
    .filter(([name]) => !names.includes(name))
    .map(([name]) => {
      const near = nearestName(name, names)
      const question = near === undefined ? '' : ` Did you mean ${near}?`
      return `${name} is set, but cfile has no such setting and ignores it.${question}`
    })
}

/**
 * Whether a user set this variable. Kubernetes sets variables such as `CFILE_SERVICE_HOST` for a Service called cfile. On
 * Workers, bindings are not texts.
 */
function isSetByUser(name: string, value: unknown): boolean {
  const isOfService =
    /^CFILE_(?:SERVICE_(?:HOST|PORT)|PORT_\d+_)/.test(name) || /^(?:tcp|udp):/.test(String(value))
  return typeof value === 'string' && value.trim() !== '' && !isOfService
}

// In bits. Signing secrets can be tried offline by anyone who has a link. API keys can only be tried against the server.
const leastBits = { key: 32, secret: 64 }
const encoder = new TextEncoder()

/** One warning for each key and secret that has too little entropy. It names the entry by its position. */
function weakSecrets({ keys = [], signingKeys = [] }: CheckedSettings): string[] {
  const apiKeys = keys.map(({ key }) => encoder.encode(key))
  const secrets = signingKeys.map(({ secret }) => secret)
  return [
    ...weakEntries('CFILE_API_KEYS', 'key', apiKeys),
    ...weakEntries('CFILE_SIGNING_KEYS', 'secret', secrets),
  ]
}

function weakEntries(
  setting: string,
  kind: keyof typeof leastBits,
  secrets: readonly Uint8Array[],
): string[] {
  return secrets.flatMap((secret, index) =>
    estimateBits(secret) < leastBits[kind]
      ? `${setting}: the ${kind} of entry ${index + 1} is easy to guess; make another one, for example with openssl rand -hex 32.`
      : [],
  )
}

/**
 * Estimates an upper bound for the entropy of a secret in bits: the entropy of its characters or of the steps between
 * them, whichever is less, in the shortest part that repeats. Random text has 3 bits or more per character; `aaaa…`,
 * `abab…` and `0123…` have almost none. Passwords from word lists are not recognised.
 *
 * @param secret in UTF-8
 */
export function estimateBits(secret: Uint8Array): number {
  const part = secret.subarray(0, periodOf(secret))
  const steps = part.subarray(1).map((byte, index) => byte - (part[index] ?? 0))
  return part.byteLength * Math.min(entropyOf(part), entropyOf(steps))
}

/** Returns the length of the shortest prefix whose repetition is the whole text. */
function periodOf(bytes: Uint8Array): number {
  for (let period = 1; period <= bytes.byteLength / 2; period += 1) {
    if (bytes.every((byte, index) => byte === bytes[index % period])) return period
  }
  return bytes.byteLength
}

/** Returns the Shannon entropy per symbol in bits. */
function entropyOf(symbols: Uint8Array): number {
  const counts = new Map<number, number>()
  for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) {
    const share = count / symbols.byteLength
    bits -= share * Math.log2(share)
  }
  return bits
}

/**
 * Returns the most similar name. `undefined` if more than a third of the letters would have to change. The prefixes
 * `CFILE_` and `AZURE_` do not count, since people mix them up.
 *
 * @param wrong unknown name
 * @param names known names
 */
export function nearestName(wrong: string, names: readonly string[]): string | undefined {
  let nearest: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const name of names) {
    const distance = editDistance(withoutVendor(wrong), withoutVendor(name))
    if (distance < least) [nearest, least] = [name, distance]
  }
  return least <= withoutVendor(wrong).length / 3 ? nearest : undefined
}

function withoutVendor(name: string): string {
  return name.replace(/^(?:CFILE|AZURE)_/, '')
}

/** Levenshtein distance: the number of letters to add, remove or replace. */
function editDistance(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [row, letter] of [...one].entries()) {
    const line = [row + 1]
    for (const [column, another] of [...other].entries()) {
      const replaced = (above[column] ?? 0) + (letter === another ? 0 : 1)
      line.push(Math.min(replaced, (above[column + 1] ?? 0) + 1, (line[column] ?? 0) + 1))
    }
    above = line
  }
  return above[other.length] ?? 0
}
