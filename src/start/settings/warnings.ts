/**
 * What an operator should know of settings that work.
 *
 * @module
 */

import { endpointWarning } from '../../azure/endpoint.ts'
import type { UpstreamOptions } from '../../options.ts'
import { estimateBits } from './guessable.ts'
import { nearestName } from './nearest-name.ts'

/** The settings that may be doubtful. */
export interface Doubtful {
  readonly upstreams: readonly UpstreamOptions[]
  readonly keys?: readonly { readonly key: string }[]
  readonly signingKeys?: readonly { readonly secret: Uint8Array }[]
}

/** The variables that a process was given. */
type Env = Readonly<Record<string, unknown>>

/**
 * Lists what is doubtful, each in one line without any secret.
 *
 * @param names every setting that there is
 */
export function settingWarnings(settings: Doubtful, env: Env, names: readonly string[]): string[] {
  const { upstreams, signingKeys } = settings
  const dated = upstreams.flatMap(({ endpoint }) =>
    typeof endpoint === 'string' ? [] : (endpointWarning(endpoint) ?? []),
  )
  const isLost = signingKeys === undefined && upstreams.length > 0
  const lost = 'CFILE_SIGNING_KEYS is not set: links end with this process, and only it knows them.'
  const unknown = unknownNames(env, names)
  return [...unknown, ...dated, ...(isLost ? [lost] : []), ...guessableSecrets(settings)]
}

function unknownNames(env: Env, names: readonly string[]): string[] {
  return Object.entries(env)
    .filter(([name, value]) => /^CFILE_/.test(name) && isMeant(name, value))
    .filter(([name]) => !names.includes(name))
    .map(([name]) => {
      const near = nearestName(name, names)
      const question = near === undefined ? '' : ` Did you mean ${near}?`
      return `${name} is set, but cfile has no such setting and ignores it.${question}`
    })
}

/** Kubernetes adds variables of its own for a Service that is called cfile; on Workers, a binding is no text. */
function isMeant(name: string, value: unknown): boolean {
  const isOfService =
    /^CFILE_(?:SERVICE_(?:HOST|PORT)|PORT_\d+_)/.test(name) || /^(?:tcp|udp):/.test(String(value))
  return typeof value === 'string' && value.trim() !== '' && !isOfService
}

// Whoever holds a link can try secrets as fast as their machine computes; keys have to be tried here.
const leastBits = { key: 32, secret: 64 }
const encoder = new TextEncoder()

function guessableSecrets({ keys = [], signingKeys = [] }: Doubtful): string[] {
  const ofKeys = keys.map(({ key }) => estimateBits(encoder.encode(key)))
  const ofSecrets = signingKeys.map(({ secret }) => estimateBits(secret))
  return [
    ...guessable('CFILE_API_KEYS', 'key', ofKeys),
    ...guessable('CFILE_SIGNING_KEYS', 'secret', ofSecrets),
  ]
}

function guessable(name: string, what: keyof typeof leastBits, bits: readonly number[]): string[] {
  return bits.flatMap((found, index) =>
    found < leastBits[what]
      ? `${name}: the ${what} of entry ${index + 1} is easy to guess; make another one, for example with openssl rand -hex 32.`
      : [],
  )
}
