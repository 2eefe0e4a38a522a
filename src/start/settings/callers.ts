/**
 * The settings that identify callers, and those of Azure's webhooks.
 *
 * @module
 */

import { CfileError } from '../../core/errors.ts'
import type { AppOptions } from '../../options.ts'
import { type ApiKey, parseApiKeys } from '../../routes/callers/callers.ts'
import { checkKeysUrl } from '../../routes/callers/remote-keys.ts'
import { type Declared, list, parsedBy, readSettings, text, type Variables } from './setting.ts'

/** The credentials that callers may use. */
export interface CallerSettings {
  readonly keys?: readonly ApiKey[]
  readonly jwt?: TokenSettings & { readonly jwksUrl: string }
}

/** Required claims of callers' tokens. */
interface TokenSettings {
  readonly issuer?: string
  readonly audience?: string
  readonly ownerClaim?: string
}

interface Callers extends TokenSettings {
  readonly keys?: readonly ApiKey[]
  readonly jwksUrl?: string
}

interface Webhooks {
  readonly secrets?: readonly string[]
  readonly owner?: string
}

/** The settings of callers. */
export const callerSettings: Declared<Callers> = {
  /** Callers' keys of 16 characters or more, by their owners; the owner `*` is an admin. */
  keys: {
    name: 'CFILE_API_KEYS',
    schema: parsedBy(parseApiKeys),
    takes: 'owner:key,owner2:key2',
    secret: true,
  },
  /** The URL of the public keys (JWKS) that verify callers' JWTs. A server starts only if they can be fetched. */
  jwksUrl: {
    name: 'CFILE_JWKS_URL',
    schema: parsedBy((url) => {
      checkKeysUrl(url)
      return url
    }),
    takes: 'an https URL',
  },
  /** The `iss` that a token must have. @default any */
  issuer: { name: 'CFILE_JWT_ISSUER', schema: text, takes: 'the value of iss' },
  /** The `aud` that a token must have. @default any */
  audience: { name: 'CFILE_JWT_AUDIENCE', schema: text, takes: 'a value of aud' },
  /** The claim that names the owner. @default sub */
  ownerClaim: { name: 'CFILE_JWT_OWNER_CLAIM', schema: text, takes: 'the name of a claim' },
}

/** The settings of `/webhooks`. */
export const webhookSettings: Declared<Webhooks> = {
  /** The secrets of Azure's webhooks; with one, `POST /webhooks` is served. */
  secrets: {
    name: 'CFILE_WEBHOOK_SECRETS',
    schema: list,
    takes: 'whsec_… with commas between several',
    secret: true,
  },
  /**
   * With caller auth, the owner of responses that a webhook names and that have no record.
   *
   * @default such responses are ignored
   */
  owner: { name: 'CFILE_WEBHOOK_OWNER', schema: text, takes: "an owner's name" },
}

/**
 * Reads the settings of callers.
 *
 * @param variables of the process, or bindings of a Worker
 * @throws CfileError `invalid_request` for keys that do not parse, and for claims without `CFILE_JWKS_URL`
 */
export function parseCallers(variables: Variables): CallerSettings {
  const { keys, jwksUrl, ...token } = readSettings(variables, callerSettings)
  if (jwksUrl !== undefined) return { keys, jwt: { jwksUrl, ...token } }
  const fields = ['issuer', 'audience', 'ownerClaim'] as const
  const lone = fields.find((field) => token[field] !== undefined)
  if (lone === undefined) return { keys }
  // Claims are read from tokens only, and no token is accepted without a key set.
  throw new CfileError(
    'invalid_request',
    `${callerSettings[lone].name} is set, but CFILE_JWKS_URL is not: set the URL of the keys that sign callers' tokens.`,
    { param: 'CFILE_JWKS_URL' },
  )
}

/**
 * Reads the settings of `/webhooks`.
 *
 * @param variables of the process, or bindings of a Worker
 * @throws CfileError `invalid_request` if an owner is set without a secret
 */
export function parseWebhooks(variables: Variables): AppOptions['webhooks'] {
  const { secrets, owner } = readSettings(variables, webhookSettings)
  if (secrets !== undefined) return { secrets, owner }
  if (owner === undefined) return undefined
  throw new CfileError(
    'invalid_request',
    'CFILE_WEBHOOK_OWNER is set, but CFILE_WEBHOOK_SECRETS is not: set the secret of the webhook endpoint.',
    { param: 'CFILE_WEBHOOK_SECRETS' },
  )
}
