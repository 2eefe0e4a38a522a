/**
 * Reads the upstreams that the settings name, and the credential of each.
 *
 * @module
 */

import * as z from 'zod/mini'
import { apiKey } from '../../azure/credentials.ts'
import { parseEndpoint } from '../../azure/endpoint.ts'
import { CfileError } from '../../core/errors.ts'
import { isObject, parseText } from '../../core/json/value.ts'
import type { UpstreamOptions } from '../../options.ts'
import {
  apiVersionGrammar,
  idGrammar,
  keyGrammar,
  keyTakes,
  type MachineIdentity,
  parseIdentity,
  type UpstreamSettings,
} from './azure.ts'

/**
 * Reads the upstreams, the default first. Without settings there is none.
 *
 * @param settings of the upstreams and of Entra ID
 * @param machine creates a credential for upstreams without a secret
 * @throws CfileError `invalid_request` that names the setting, and for a list the entry and its field
 */
export function parseUpstreams(
  settings: UpstreamSettings,
  machine: MachineIdentity,
): UpstreamOptions[] {
  const { upstreams, endpoint, apiKey: key } = settings
  if (upstreams !== undefined) {
    if (endpoint !== undefined) throw conflict('AZURE_OPENAI_ENDPOINT', 'endpoint')
    if (key !== undefined) throw conflict('AZURE_OPENAI_API_KEY', 'api_key')
    return parseList(upstreams).map((entry, index) =>
      upstreamOf(entry, settingsOf(entry, settings), machine, placeOf(index, entry.name)),
    )
  }
  if (endpoint !== undefined) return [upstreamOf({ endpoint, api_key: key }, settings, machine)]
  if (key === undefined) return []
  throw wrong(
    'AZURE_OPENAI_ENDPOINT',
    'AZURE_OPENAI_API_KEY is set, but AZURE_OPENAI_ENDPOINT is not: set the URL of the resource that the key belongs to.',
  )
}

/** The schema of a text in an entry. Its message says what the field takes. */
const text = (takes: string, grammar = /\S/) => z.string(takes).check(z.regex(grammar, takes))
const models = 'a list of names of models'
const uniqueName = 'a unique name of 1 to 64 letters, digits, ".", "_" and "-"'

const entrySchema = () =>
  z.strictObject({
    name: text(uniqueName, /^[A-Za-z0-9][\w.-]{0,63}$/),
    endpoint: text('the URL of an Azure OpenAI resource or project'),
    api_key: z.optional(text(keyTakes, keyGrammar)),
    api_version: z.optional(
      text('v1, preview or a date such as 2025-04-01-preview', apiVersionGrammar),
    ),
    models: z.optional(z.array(text(models), models).check(z.minLength(1, models))),
    weight: z.optional(z.number('a number above 0').check(z.gt(0, 'a number above 0'))),
    tenant_id: z.optional(text('the id of a tenant', idGrammar)),
    client_id: z.optional(text('the id of an app or identity', idGrammar)),
    client_secret: z.optional(text('the secret of that app')),
    client_certificate_path: z.optional(text('the path of a file')),
    federated_token_file: z.optional(text('the path of a file')),
    scope: z.optional(text('a scope such as https://cognitiveservices.azure.com/.default')),
  })

/** An entry of the list. */
type Entry = z.infer<ReturnType<typeof entrySchema>>

/**
 * Reads the JSON list of `CFILE_UPSTREAMS`.
 *
 * @throws CfileError `invalid_request` for a wrong entry, and for a name that occurs twice
 */
function parseList(list: string): Entry[] {
  const entries = parseText(list)
  if (!Array.isArray(entries) || entries.length === 0) {
    throw wrongList('is no JSON list', '[{"name","endpoint","api_key"?,…}] with one entry or more')
  }
  const names = new Set<string>()
  const schema = entrySchema()
  return entries.map((value: unknown, index) => {
    const entry = parseEntry(schema, value, index)
    if (names.has(entry.name)) {
      throw wrongList(`has the name of ${placeOf(index, entry.name)} twice`, uniqueName)
    }
    names.add(entry.name)
    return entry
  })
}

/**
 * Reads one entry. Its first fault is reported with the place of the entry, without its value.
 *
 * @param index position of the entry, from 0
 */
function parseEntry(schema: ReturnType<typeof entrySchema>, value: unknown, index: number): Entry {
  if (!isObject(value))
    throw wrongList(`has no object as ${placeOf(index)}`, '{"name","endpoint",…}')
  const { success, data, error } = z.safeParse(schema, value)
  if (success) return data
  const place = placeOf(index, value.name)
  const unknown = error.issues.find((issue) => issue.code === 'unrecognized_keys')
  if (unknown !== undefined) {
    const known = Object.keys(schema.shape).join(', ')
    throw wrongList(`has an unknown field ${quote(unknown.keys[0])} in ${place}`, known)
  }
  const [issue] = error.issues
  const field = String(issue?.path[0])
  const fault = value[field] === undefined ? 'no' : 'a wrong'
  throw wrongList(`has ${fault} "${field}" in ${place}`, issue?.message ?? '')
}

/** Returns the settings for one entry. Its own fields replace those of the process. */
function settingsOf(entry: Entry, settings: UpstreamSettings): UpstreamSettings {
  const own = {
    ...settings,
    apiVersion: entry.api_version ?? settings.apiVersion,
    scope: entry.scope ?? settings.scope,
    tenantId: entry.tenant_id ?? settings.tenantId,
    clientId: entry.client_id ?? settings.clientId,
  }
  const proofs = {
    clientSecret: entry.client_secret,
    clientCertificatePath: entry.client_certificate_path,
    federatedTokenFile: entry.federated_token_file,
  }
  const hasProof = Object.values(proofs).some((proof) => proof !== undefined)
  return hasProof ? { ...own, ...proofs } : own
}

/**
 * Creates the options of one upstream.
 *
 * @param place of its entry in the list, for messages; absent for the upstream of `AZURE_OPENAI_ENDPOINT`
 */
function upstreamOf(
  entry: Partial<Entry> & Pick<Entry, 'endpoint'>,
  settings: UpstreamSettings,
  machine: MachineIdentity,
  place?: string,
): UpstreamOptions {
  const { name = 'default', endpoint, api_key: key, models, weight } = entry
  const parsed = parseEndpoint(endpoint, {
    apiVersion: settings.apiVersion,
    allowedHosts: settings.allowedHosts,
    scope: settings.scope,
    setting: place && `CFILE_UPSTREAMS: "endpoint" of ${place}`,
  })
  const credential = key === undefined ? parseIdentity(settings, machine) : apiKey(key)
  return { name, endpoint: parsed, credential, models, weight }
}

function placeOf(index: number, name?: unknown): string {
  return `entry ${index + 1}${typeof name === 'string' ? ` (${quote(name)})` : ''}`
}

function quote(text: unknown): string {
  return JSON.stringify(String(text).slice(0, 64))
}

/** The error for a setting that may not be set together with CFILE_UPSTREAMS. */
function conflict(name: string, field: string): CfileError {
  return wrong(
    name,
    `CFILE_UPSTREAMS and ${name} are both set: move ${name} into the list, as "${field}" of an entry, and unset it.`,
  )
}

function wrongList(fault: string, takes: string): CfileError {
  return wrong(
    'CFILE_UPSTREAMS',
    `CFILE_UPSTREAMS got a value (masked) that ${fault}; it takes ${takes}.`,
  )
}

function wrong(param: string, message: string): CfileError {
  return new CfileError('invalid_request', message, { param })
}
