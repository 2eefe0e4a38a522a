/**
 * The settings of the upstreams, and the choice of the credential for Entra ID. Settings of Entra ID have the names that
 * the Azure SDKs use.
 *
 * @module
 */

import * as z from 'zod/mini'
import { type Credential, type CredentialRuntime, firstAvailable } from '../../azure/credentials.ts'
import {
  type App,
  clientCertificate,
  clientSecret,
  workloadIdentity,
} from '../../azure/entra/app.ts'
import { appServiceIdentity, imds, signInHint } from '../../azure/entra/managed-identity.ts'
import { CfileError } from '../../core/errors.ts'
import { type Declared, like, list, text } from './setting.ts'

/** Settings of Entra ID. */
interface IdentitySettings {
  readonly tenantId?: string
  readonly clientId?: string
  readonly clientSecret?: string
  readonly clientCertificatePath?: string
  readonly federatedTokenFile?: string
  readonly authorityHost?: string
  readonly identityEndpoint?: string
  readonly identityHeader?: string
  readonly podIdentityAuthorityHost?: string
}

/** Settings of the upstreams. */
export interface UpstreamSettings extends IdentitySettings {
  readonly endpoint?: string
  readonly apiKey?: string
  readonly apiVersion?: string
  readonly scope?: string
  readonly allowedHosts?: readonly string[]
  /** A JSON list, which `upstreams.ts` reads. */
  readonly upstreams?: string
}

/** The grammar of an api-version. */
export const apiVersionGrammar: RegExp = /^(?:v1|preview|latest|\d{4}-\d\d-\d\d(?:-preview)?)$/

/** The grammar of a key, which is sent as a header. */
export const keyGrammar: RegExp = /^[\x21-\x7e]+$/

/** Description of {@link keyGrammar} for messages. */
export const keyTakes = 'a key of that resource, of visible ASCII characters'

// A host as in a URL: an IPv6 address is in brackets.
const hostGrammar = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

/** The grammar of the id of a tenant, an app or an identity. */
export const idGrammar: RegExp = /^[\w.-]{1,128}$/

/** The settings of {@link UpstreamSettings}. */
export const upstreamSettings: Declared<UpstreamSettings> = {
  /** The Azure OpenAI resource or Foundry project, in any form that people paste. @default the emulator */
  endpoint: {
    name: 'AZURE_OPENAI_ENDPOINT',
    schema: text,
    takes: 'the URL of an Azure OpenAI resource or project',
  },
  /** A key of that resource; without one, cfile signs in with Entra ID. */
  apiKey: { name: 'AZURE_OPENAI_API_KEY', schema: like(keyGrammar), takes: keyTakes, secret: true },
  /** The `api-version` that is sent with each call, `v1` or `preview`. @default none */
  apiVersion: {
    name: 'AZURE_OPENAI_API_VERSION',
    schema: like(apiVersionGrammar),
    takes: 'v1, preview or a date such as 2025-04-01-preview',
  },
  /** Several resources or regions, as a JSON list of `{name, endpoint, api_key?, …}`. */
  upstreams: {
    name: 'CFILE_UPSTREAMS',
    schema: text,
    takes: '[{"name","endpoint","api_key"?,…}]',
    secret: true,
  },
  /** Hosts other than Azure's that an endpoint may be on, such as an API Management instance. @default none */
  allowedHosts: {
    name: 'CFILE_ALLOWED_HOSTS',
    schema: () => list().check(z.refine((hosts) => hosts.every((host) => hostGrammar.test(host)))),
    takes:
      'host names such as apim.example.com with commas between them, each with its port where that is not 443',
  },
  /** The tenant of the app registration that cfile signs in as. */
  tenantId: { name: 'AZURE_TENANT_ID', schema: like(idGrammar), takes: 'the id of a tenant' },
  /** The id of that app registration, or of a user-assigned managed identity. */
  clientId: {
    name: 'AZURE_CLIENT_ID',
    schema: like(idGrammar),
    takes: 'the id of an app or of a user-assigned identity',
  },
  /** The secret of the app registration. */
  clientSecret: {
    name: 'AZURE_CLIENT_SECRET',
    schema: text,
    takes: 'the secret of that app',
    secret: true,
  },
  /** In place of the secret: a PEM file with the app's certificate and its key. */
  clientCertificatePath: {
    name: 'AZURE_CLIENT_CERTIFICATE_PATH',
    schema: text,
    takes: 'the path of a PEM file',
    only: 'server',
  },
  /** In place of the secret: a file with the app's token, for workload identity. */
  federatedTokenFile: {
    name: 'AZURE_FEDERATED_TOKEN_FILE',
    schema: text,
    takes: 'the path of a file',
    only: 'server',
  },
  /** The authority that issues the tokens of an app. @default by the endpoint's cloud */
  authorityHost: { name: 'AZURE_AUTHORITY_HOST', schema: text, takes: 'an https URL' },
  /** The scope of the tokens. @default by the endpoint's host */
  scope: {
    name: 'AZURE_OPENAI_SCOPE',
    schema: text,
    takes: 'a scope such as https://cognitiveservices.azure.com/.default',
  },
  /** The managed identity of App Service, Functions and Container Apps, set there by Azure. */
  identityEndpoint: { name: 'IDENTITY_ENDPOINT', schema: text, takes: 'a URL', only: 'server' },
  /** The secret of that endpoint, set there by Azure. */
  identityHeader: {
    name: 'IDENTITY_HEADER',
    schema: text,
    takes: 'the secret of that endpoint',
    secret: true,
    only: 'server',
  },
  /**
   * The address of the machine's managed identity, which is used if nothing else is set.
   *
   * @default http://169.254.169.254
   */
  podIdentityAuthorityHost: {
    name: 'AZURE_POD_IDENTITY_AUTHORITY_HOST',
    schema: text,
    takes: 'a URL',
    only: 'server',
  },
}

/** Creates a credential that needs files or a managed identity. Workers have neither. */
export type MachineIdentity = (settings: IdentitySettings) => Credential

/**
 * Chooses the credential that the settings name. The credential signs in at the first request.
 *
 * @param settings of the process, or of one entry of `CFILE_UPSTREAMS`
 * @param machine used if no secret is set
 * @throws CfileError `invalid_request` if an id of the app is missing
 */
export function parseIdentity(settings: IdentitySettings, machine: MachineIdentity): Credential {
  const { clientSecret: secret } = settings
  if (secret === undefined) return machine(settings)
  return clientSecret({ ...appOf(settings, 'AZURE_CLIENT_SECRET'), clientSecret: secret })
}

/** The app registration that a setting needs. @throws CfileError `invalid_request` if one of its ids is missing */
function appOf(settings: IdentitySettings, because: string): App {
  const { tenantId, clientId, authorityHost } = settings
  if (tenantId !== undefined && clientId !== undefined) {
    return { tenantId, clientId, authorityHost }
  }
  const missing = tenantId === undefined ? 'AZURE_TENANT_ID' : 'AZURE_CLIENT_ID'
  throw new CfileError(
    'invalid_request',
    `${because} is set, but ${missing} is not: set both ids of the app.`,
    { param: missing },
  )
}

/** The credential of runtimes without files and without a managed identity. Each call fails and names the missing settings. */
export const noMachineIdentity: MachineIdentity = (settings) => ({
  kind: 'none',
  authorize: async () => {
    const { clientCertificatePath: certificate, federatedTokenFile: token } = settings
    const file = certificate ? 'AZURE_CLIENT_CERTIFICATE_PATH' : 'AZURE_FEDERATED_TOKEN_FILE'
    const message =
      (certificate ?? token)
        ? `This runtime has no files, so it cannot use ${file}.`
        : 'There is nothing to sign in with: no key, no app, and no managed identity.'
    throw new CfileError('upstream_auth', message, { hint: signInHint })
  },
})

/**
 * Uses the certificate if one is set, else the first that exists here of federated token, App Service identity and IMDS.
 *
 * @throws CfileError `invalid_request` for an app without both ids, and for an endpoint that is no URL
 */
export const machineIdentity: MachineIdentity = (settings) => {
  const { clientCertificatePath: certificate } = settings
  if (certificate !== undefined) {
    const name = 'AZURE_CLIENT_CERTIFICATE_PATH'
    return clientCertificate({ ...appOf(settings, name), pem: settingFile(name, certificate) })
  }
  const { federatedTokenFile: file, clientId } = settings
  const { identityEndpoint: endpoint, identityHeader: header } = settings
  const { podIdentityAuthorityHost: host } = settings
  const found: Credential[] = []
  if (file !== undefined) {
    const name = 'AZURE_FEDERATED_TOKEN_FILE'
    found.push(workloadIdentity({ ...appOf(settings, name), assertion: settingFile(name, file) }))
  }
  if (endpoint !== undefined && header !== undefined) {
    checkUrl('IDENTITY_ENDPOINT', endpoint)
    found.push(appServiceIdentity({ endpoint, header, clientId }))
  }
  if (host !== undefined) checkUrl('AZURE_POD_IDENTITY_AUTHORITY_HOST', host)
  const machine = imds({ host, clientId })
  const [first, ...others] = found
  return first === undefined ? machine : firstAvailable(first, ...others, machine)
}

/** Checks the URL of an identity endpoint. Plain http is allowed, because these endpoints are link-local or on this machine. */
function checkUrl(param: string, text: string): void {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return
  const got = JSON.stringify(text.slice(0, 100))
  throw new CfileError('invalid_request', `${param} got ${got}, but takes an http or https URL.`, {
    param,
  })
}

/**
 * Creates a reader of the file that a setting names. It reads the file each time, because a renewed secret replaces it.
 *
 * @param setting name of the setting, for errors
 * @param path path of the file
 */
export function settingFile(
  setting: string,
  path: string,
): (runtime: CredentialRuntime) => Promise<string> {
  return async ({ readFile }) => {
    if (readFile === undefined) {
      throw unreadable(setting, `This runtime has no files, so it cannot use ${setting}.`)
    }
    const text = await readFile(path).catch((cause) => {
      throw unreadable(setting, `The file in ${setting} could not be read.`, cause)
    })
    return text.trim()
  }
}

function unreadable(setting: string, message: string, cause?: unknown): CfileError {
  const hint = `Set ${setting} to a file that this process may read, or sign in with AZURE_CLIENT_SECRET or AZURE_OPENAI_API_KEY.`
  return new CfileError('upstream_auth', message, { hint, cause })
}
