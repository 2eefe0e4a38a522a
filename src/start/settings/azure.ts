/**
 * The settings that name the upstreams and sign in to them. Those of Entra ID have the names that the Azure SDKs use.
 *
 * @module
 */

import * as z from 'zod/mini'
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

/** The grammar of a key, which is sent as a header. */
export const keyGrammar: RegExp = /^[\x21-\x7e]+$/

/** Description of {@link keyGrammar} for messages. */
export const keyTakes = 'a key of that resource, of visible ASCII characters'

// The form in which a URL has its host. An IPv6 address is in brackets.
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
  apiKey: {
    name: 'AZURE_OPENAI_API_KEY',
    schema: like(keyGrammar),
    takes: keyTakes,
    secret: true,
  },
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
    schema: list.check(z.refine((hosts) => hosts.every((host) => hostGrammar.test(host)))),
    takes:
      'host names such as apim.example.com with commas between them, each with its port where that is not 443',
  },
  /** The tenant of the app registration that cfile signs in as. */
  tenantId: {
    name: 'AZURE_TENANT_ID',
    schema: like(idGrammar),
    takes: 'the id of a tenant',
  },
  /** That app registration, or a user-assigned managed identity. */
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
  /** Where the tokens of an app come from. @default by the endpoint's cloud */
  authorityHost: {
    name: 'AZURE_AUTHORITY_HOST',
    schema: text,
    takes: 'an https URL',
  },
  /** The scope of the tokens. @default by the endpoint's host */
  scope: {
    name: 'AZURE_OPENAI_SCOPE',
    schema: text,
    takes: 'a scope such as https://cognitiveservices.azure.com/.default',
  },
  /** The managed identity of App Service, Functions and Container Apps, set there by Azure. */
  identityEndpoint: {
    name: 'IDENTITY_ENDPOINT',
    schema: text,
    takes: 'a URL',
    only: 'server',
  },
  /** The secret of that endpoint, set there by Azure. */
  identityHeader: {
    name: 'IDENTITY_HEADER',
    schema: text,
    takes: 'the secret of that endpoint',
    secret: true,
    only: 'server',
  },
  /**
   * Where the machine's managed identity is, which is asked where nothing else is set.
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
