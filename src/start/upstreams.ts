/**
 * Which upstreams the settings name, and how cfile signs in to each.
 *
 * @module
 */

import { apiKey } from '../azure/credentials.ts'
import { parseEndpoint } from '../azure/endpoint.ts'
import { CfileError } from '../core/errors.ts'
import type { UpstreamOptions } from '../options.ts'
import { type IdentitySettings, type MachineIdentity, parseIdentity } from './identity.ts'

/** The settings that tell which upstreams there are. */
export interface UpstreamSettings extends IdentitySettings {
  readonly AZURE_OPENAI_ENDPOINT?: string
  readonly AZURE_OPENAI_API_KEY?: string
  readonly AZURE_OPENAI_API_VERSION?: string
  readonly AZURE_OPENAI_SCOPE?: string
  readonly CFILE_ALLOWED_HOSTS?: string
  readonly CFILE_UPSTREAMS?: string
}

/** What an api-version may be. */
export const apiVersionGrammar: RegExp = /^(?:v1|preview|latest|\d{4}-\d\d-\d\d(?:-preview)?)$/

/** What the id of a tenant, an app or an identity may be. */
export const idGrammar: RegExp = /^[\w.-]{1,128}$/

/**
 * Reads the upstreams, the default first; none where nothing is set.
 *
 * @throws CfileError `invalid_request` that names the setting, and in a list the entry and its field
 */
export function parseUpstreams(
  read: UpstreamSettings,
  machine: MachineIdentity,
): UpstreamOptions[] {
  const { CFILE_UPSTREAMS: list, AZURE_OPENAI_ENDPOINT: endpoint } = read
  const key = read.AZURE_OPENAI_API_KEY
  if (list !== undefined) {
    const other = endpoint === undefined ? 'AZURE_OPENAI_API_KEY' : 'AZURE_OPENAI_ENDPOINT'
    if (endpoint === undefined && key === undefined) return parseList(list, read, machine)
    throw wrong(
      other,
      `CFILE_UPSTREAMS and ${other} are both set: put that one into the list too, as "${other === 'AZURE_OPENAI_ENDPOINT' ? 'endpoint' : 'api_key'}" of an entry, and unset ${other}.`,
    )
  }
  if (endpoint !== undefined) return [upstreamOf({ endpoint, api_key: key }, read, machine)]
  if (key === undefined) return []
  throw wrong(
    'AZURE_OPENAI_ENDPOINT',
    'AZURE_OPENAI_API_KEY is set, but AZURE_OPENAI_ENDPOINT is not: set the URL of the resource that the key belongs to.',
  )
}

/** An entry of the list. */
interface Entry {
  readonly name: string
  readonly endpoint: string
  readonly api_key?: string
  readonly api_version?: string
  readonly models?: readonly string[]
  readonly weight?: number
  readonly tenant_id?: string
  readonly client_id?: string
  readonly client_secret?: string
  readonly client_certificate_path?: string
  readonly federated_token_file?: string
  readonly scope?: string
}

type Field = readonly [isRight: (value: unknown) => boolean, takes: string]

const isText = (value: unknown) => typeof value === 'string' && value.trim() !== ''
const is = (grammar: RegExp) => (value: unknown) => typeof value === 'string' && grammar.test(value)

const fields: Readonly<Record<keyof Entry, Field>> = {
  name: [
    is(/^[A-Za-z0-9][\w.-]{0,63}$/),
    'a unique name of 1 to 64 letters, digits, ".", "_" and "-"',
  ],
  endpoint: [isText, 'the URL of an Azure OpenAI resource or project'],
  api_key: [isText, 'a key of that resource'],
  api_version: [is(apiVersionGrammar), 'v1, preview or a date such as 2025-04-01-preview'],
  models: [
    (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
    'a list of names of models',
  ],
  weight: [(value) => Number(value) > 0 && Number.isFinite(value), 'a number above 0'],
  tenant_id: [is(idGrammar), 'the id of a tenant'],
  client_id: [is(idGrammar), 'the id of an app or identity'],
  client_secret: [isText, 'the secret of that app'],
  client_certificate_path: [isText, 'the path of a file'],
  federated_token_file: [isText, 'the path of a file'],
  scope: [isText, 'a scope such as https://cognitiveservices.azure.com/.default'],
}

function parseList(
  list: string,
  read: UpstreamSettings,
  machine: MachineIdentity,
): UpstreamOptions[] {
  const entries = jsonOf(list)
  if (!Array.isArray(entries) || entries.length === 0) {
    throw wrongList('is no JSON list', '[{"name","endpoint","api_key"?,…}] with one entry or more')
  }
  const names = new Set<string>()
  return entries.map((value: unknown, index) => {
    const entry = parseEntry(value, index)
    const place = placeOf(index, entry.name)
    if (names.has(entry.name)) throw wrongList(`has the name of ${place} twice`, fields.name[1])
    names.add(entry.name)
    return upstreamOf(entry, ofEntry(entry, read), machine, place)
  })
}

function parseEntry(value: unknown, index: number): Entry {
  if (typeof value !== 'object' || value === null) {
    throw wrongList(`has no object as ${placeOf(index)}`, '{"name","endpoint",…}')
  }
  const entry = value as Entry
  const place = placeOf(index, entry.name)
  const unknown = Object.keys(entry).find((key) => !Object.hasOwn(fields, key))
  if (unknown !== undefined) {
    const known = Object.keys(fields).join(', ')
    throw wrongList(`has an unknown field ${shown(unknown)} in ${place}`, known)
  }
  for (const [name, [isRight, takes]] of Object.entries(fields)) {
    const given = entry[name as keyof Entry]
    if (given === undefined && name !== 'name' && name !== 'endpoint') continue
    const fault = given === undefined ? 'no' : 'a wrong'
    if (!isRight(given)) throw wrongList(`has ${fault} "${name}" in ${place}`, takes)
  }
  return entry
}

/** An entry's own identity in place of the one of the process; what it does not say is as for all. */
function ofEntry(entry: Entry, read: UpstreamSettings): UpstreamSettings {
  const own = {
    ...read,
    AZURE_OPENAI_API_VERSION: entry.api_version ?? read.AZURE_OPENAI_API_VERSION,
    AZURE_OPENAI_SCOPE: entry.scope ?? read.AZURE_OPENAI_SCOPE,
    AZURE_TENANT_ID: entry.tenant_id ?? read.AZURE_TENANT_ID,
    AZURE_CLIENT_ID: entry.client_id ?? read.AZURE_CLIENT_ID,
  }
  const proofs = {
    AZURE_CLIENT_SECRET: entry.client_secret,
    AZURE_CLIENT_CERTIFICATE_PATH: entry.client_certificate_path,
    AZURE_FEDERATED_TOKEN_FILE: entry.federated_token_file,
  }
  const hasProof = Object.values(proofs).some((proof) => proof !== undefined)
  return hasProof ? { ...own, ...proofs } : own
}

function upstreamOf(
  entry: Omit<Entry, 'name'> & { readonly name?: string },
  read: UpstreamSettings,
  machine: MachineIdentity,
  place?: string,
): UpstreamOptions {
  const { name = 'default', endpoint, api_key: key, models, weight } = entry
  const parsed = parseEndpoint(endpoint, {
    apiVersion: read.AZURE_OPENAI_API_VERSION,
    allowedHosts: read.CFILE_ALLOWED_HOSTS?.split(',').map((host) => host.trim()),
    scope: read.AZURE_OPENAI_SCOPE,
    setting: place && `CFILE_UPSTREAMS: "endpoint" of ${place}`,
  })
  const credential = key === undefined ? parseIdentity(read, machine) : apiKey(key)
  return { name, endpoint: parsed, credential, models, weight }
}

function jsonOf(list: string): unknown {
  try {
    return JSON.parse(list)
  } catch {
    return undefined
  }
}

function placeOf(index: number, name?: unknown): string {
  return `entry ${index + 1}${typeof name === 'string' ? ` (${shown(name)})` : ''}`
}

function shown(text: unknown): string {
  return JSON.stringify(String(text).slice(0, 64))
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
