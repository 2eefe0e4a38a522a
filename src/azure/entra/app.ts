/**
 * Signs in to Entra ID as an app registration, by a client secret or by a token of another issuer that the app trusts
 * (workload identity). A certificate is in `client-certificate.ts`.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 *
 * @module
 */

import { CfileError } from '../../core/errors.ts'
import { isLoopback } from '../../core/url.ts'
import type { Credential, Means } from '../credentials.ts'
import { requestToken } from './token-request.ts'
import { bearer, type TokenCall } from './tokens.ts'

/** An app registration. */
export interface App {
  readonly tenantId: string
  readonly clientId: string
  /**
   * Base URL of the token endpoint.
   * @default `https://login.microsoftonline.com`, or the host of the `.us` or `.cn` cloud if the scope belongs to it
   */
  readonly authorityHost?: string
}

/** Returns the form fields that authenticate the app. Called for each token request. */
export type Prove = (tokenUrl: string, call: TokenCall) => Promise<Readonly<Record<string, string>>>

/** The form fields for authentication by a signed JWT (RFC 7523 §2.2). */
export function assertionFields(client_assertion: string): Readonly<Record<string, string>> {
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion,
  }
}

/**
 * Creates a credential that obtains tokens by the client credentials grant (RFC 6749 §4.4).
 *
 * @param kind name of the credential in logs and in `cfile doctor`
 * @throws CfileError `invalid_request` for an authority host that is not https
 */
export function appCredential(
  kind: string,
  { tenantId, clientId, authorityHost }: App,
  prove: Prove,
): Credential {
  const authority = authorityHost === undefined ? undefined : parseAuthority(authorityHost)
  return bearer(kind, async (scope, call) => {
    const host = authority ?? authorityOf(scope)
    const url = `${host}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      scope,
      ...(await prove(url, call)),
    })
    const hint =
      'Check AZURE_TENANT_ID, AZURE_CLIENT_ID, and the secret, certificate or token of the app.'
    return requestToken({ url, form, who: 'Entra ID', hint }, call)
  })
}

function authorityOf(scope: string): string {
  const cloud = /\.azure\.(us|cn)\//.exec(scope)?.[1]
  if (cloud === 'us') return 'https://login.microsoftonline.us'
  return `https://login.${cloud === 'cn' ? 'partner.microsoftonline.cn' : 'microsoftonline.com'}`
}

function parseAuthority(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))) {
    if (url.username === '' && url.password === '' && url.search === '')
      return url.href.replace(/\/+$/, '')
  }
  throw new CfileError(
    'invalid_request',
    `AZURE_AUTHORITY_HOST got ${JSON.stringify(text.replace(/\/\/[^/]*@/, '//…@').slice(0, 100))}, but takes an https URL such as https://login.microsoftonline.com.`,
    { param: 'AZURE_AUTHORITY_HOST' },
  )
}

/** Options of {@link clientSecret}. */
export interface ClientSecretOptions extends App {
  readonly clientSecret: string
}

/** Signs in as an app with its secret. */
export function clientSecret({ clientSecret: secret, ...app }: ClientSecretOptions): Credential {
  return appCredential('client secret', app, async () => ({ client_secret: secret }))
}

/** Options of {@link workloadIdentity}. */
export interface WorkloadIdentityOptions extends App {
  /** Returns a token of an issuer that the app trusts, such as Kubernetes or GitHub. Called for each token request. */
  readonly assertion: (means: Means) => Promise<string>
}

/** Signs in as an app with a token of an issuer that it trusts. */
export function workloadIdentity({ assertion, ...app }: WorkloadIdentityOptions): Credential {
  return appCredential('workload identity', app, async (_url, call) =>
    assertionFields(await assertion(call)),
  )
}
