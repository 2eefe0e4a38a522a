/**
 * The settings that name the upstreams and sign in to them. Those of Entra ID have the names that the Azure SDKs use.
 *
 * @module
 */

import { type Declared, like, list, text } from './setting.ts'

/** Settings of Entra ID. */
export interface IdentitySettings {
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

/** The grammar of the id of a tenant, an app or an identity. */
export const idGrammar: RegExp = /^[\w.-]{1,128}$/

/** The settings of {@link UpstreamSettings}. */
export const upstreamSettings: Declared<UpstreamSettings> = {
  endpoint: {
    name: 'AZURE_OPENAI_ENDPOINT',
    schema: text,
    takes: 'the URL of an Azure OpenAI resource or project',
    about: 'The Azure OpenAI resource or Foundry project, in any form that people paste.',
    default: 'the emulator',
  },
  apiKey: {
    name: 'AZURE_OPENAI_API_KEY',
    schema: text,
    takes: 'a key of that resource',
    about: 'A key of that resource; without one, cfile signs in with Entra ID.',
    secret: true,
  },
  apiVersion: {
    name: 'AZURE_OPENAI_API_VERSION',
    schema: like(apiVersionGrammar),
    takes: 'v1, preview or a date such as 2025-04-01-preview',
    about: 'The `api-version` that is sent with each call, `v1` or `preview`.',
    default: 'none',
  },
  upstreams: {
    name: 'CFILE_UPSTREAMS',
    schema: text,
    takes: '[{"name","endpoint","api_key"?,…}]',
    about: 'Several resources or regions, as a JSON list of `{name, endpoint, api_key?, …}`.',
    secret: true,
  },
  allowedHosts: {
    name: 'CFILE_ALLOWED_HOSTS',
    schema: list,
    takes: 'host names with commas between them',
    about:
      "Hosts other than Azure's that an endpoint may be on, such as an API Management instance.",
    default: 'none',
  },
  tenantId: {
    name: 'AZURE_TENANT_ID',
    schema: like(idGrammar),
    takes: 'the id of a tenant',
    about: 'The tenant of the app registration that cfile signs in as.',
  },
  clientId: {
    name: 'AZURE_CLIENT_ID',
    schema: like(idGrammar),
    takes: 'the id of an app or of a user-assigned identity',
    about: 'That app registration, or a user-assigned managed identity.',
  },
  clientSecret: {
    name: 'AZURE_CLIENT_SECRET',
    schema: text,
    takes: 'the secret of that app',
    about: 'The secret of the app registration.',
    secret: true,
  },
  clientCertificatePath: {
    name: 'AZURE_CLIENT_CERTIFICATE_PATH',
    schema: text,
    takes: 'the path of a PEM file',
    about: "In place of the secret: a PEM file with the app's certificate and its key.",
    only: 'server',
  },
  federatedTokenFile: {
    name: 'AZURE_FEDERATED_TOKEN_FILE',
    schema: text,
    takes: 'the path of a file',
    about: "In place of the secret: a file with the app's token, for workload identity.",
    only: 'server',
  },
  authorityHost: {
    name: 'AZURE_AUTHORITY_HOST',
    schema: text,
    takes: 'an https URL',
    about: 'Where the tokens of an app come from.',
    default: "by the endpoint's cloud",
  },
  scope: {
    name: 'AZURE_OPENAI_SCOPE',
    schema: text,
    takes: 'a scope such as https://cognitiveservices.azure.com/.default',
    about: 'The scope of the tokens.',
    default: "by the endpoint's host",
  },
  identityEndpoint: {
    name: 'IDENTITY_ENDPOINT',
    schema: text,
    takes: 'a URL',
    about: 'The managed identity of App Service, Functions and Container Apps, set there by Azure.',
    only: 'server',
  },
  identityHeader: {
    name: 'IDENTITY_HEADER',
    schema: text,
    takes: 'the secret of that endpoint',
    about: 'The secret of that endpoint, set there by Azure.',
    secret: true,
    only: 'server',
  },
  podIdentityAuthorityHost: {
    name: 'AZURE_POD_IDENTITY_AUTHORITY_HOST',
    schema: text,
    takes: 'a URL',
    about: "Where the machine's managed identity is, which is asked where nothing else is set.",
    default: 'http://169.254.169.254',
    only: 'server',
  },
}
