/**
 * Signs in as a managed identity of Azure. App Service, Functions and Container Apps set the URL of their token
 * endpoint in the environment; virtual machines and AKS have one at a fixed address (IMDS).
 *
 * @see https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview
 *
 * @module
 */

import { CfileError, isCfileError } from '../../core/errors.ts'
import { startDeadline } from '../../core/time.ts'
import type { Credential } from '../credentials.ts'
import { bearer, requestToken, type TokenCall } from './tokens.ts'

/** Options of every managed identity. */
interface ManagedIdentityOptions {
  /** Client id of a user-assigned identity. @default the system-assigned identity */
  readonly clientId?: string
}

/** Options of {@link appServiceIdentity}. */
interface AppServiceIdentityOptions extends ManagedIdentityOptions {
  /** URL of the token endpoint, from `IDENTITY_ENDPOINT`. */
  readonly endpoint: string
  /** Secret of the endpoint, from `IDENTITY_HEADER`. */
  readonly header: string
}

/**
 * Signs in as the identity of an App Service, a Function or a Container App.
 *
 * @param options what App Service sets in the environment of the process
 * @see https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
 */
export function appServiceIdentity({
  endpoint,
  header,
  clientId,
}: AppServiceIdentityOptions): Credential {
  return bearer('managed identity (app service)', (scope, call) =>
    requestToken(
      {
        url: identityUrl(endpoint, '2019-08-01', scope, clientId),
        headers: { 'x-identity-header': header },
        endpointName: 'The identity endpoint of the app',
        hint: 'Switch the identity on for the app; AZURE_CLIENT_ID names a user-assigned one.',
      },
      call,
    ),
  )
}

/** Options of {@link imds}. */
interface ImdsOptions extends ManagedIdentityOptions {
  /** @default 'http://169.254.169.254' */
  readonly host?: string
}

// IMDS answers at once. Outside of Azure no host has its address, so a request would only time out.
const longestMs = 3000

/**
 * Signs in as the identity of the virtual machine, by the Instance Metadata Service.
 *
 * @param options host for tests, and the client id of a user-assigned identity
 * @see https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
 */
export function imds({ host = 'http://169.254.169.254', clientId }: ImdsOptions = {}): Credential {
  const path = `${host.replace(/\/+$/, '')}/metadata/identity/oauth2/token`
  return bearer('managed identity', async (scope, call) => {
    const url = identityUrl(path, '2018-02-01', scope, clientId)
    const limit = startDeadline(call.wait, longestMs, call.signal)
    try {
      return await requestImdsToken(url, { ...call, signal: limit.signal })
    } finally {
      limit.clear()
    }
  })
}

/**
 * Requests a token from IMDS. On any failure the error says that no credential was found.
 *
 * @throws CfileError `upstream_auth`
 */
async function requestImdsToken(url: URL, call: TokenCall) {
  const request = {
    url,
    headers: { metadata: 'true' },
    endpointName: 'The managed identity',
    hint: signInHint,
  }
  return requestToken(request, call).catch((cause) => {
    const { upstream } = isCfileError(cause) ? cause.details : {}
    const message = upstream
      ? `There is no key and no app to sign in with, and the managed identity gave no token (status ${upstream.status}).`
      : 'There is nothing to sign in with: no key, no app, and no managed identity.'
    throw new CfileError('upstream_auth', message, { hint: signInHint, upstream, cause })
  })
}

/** The URL of a token request. These endpoints take the resource, which is the scope without `/.default`. */
function identityUrl(base: string, version: string, scope: string, clientId?: string): URL {
  const url = new URL(base)
  url.searchParams.set('api-version', version)
  url.searchParams.set('resource', scope.replace(/\/\.default$/, ''))
  if (clientId !== undefined) url.searchParams.set('client_id', clientId)
  return url
}

/** The hint of errors for a missing credential. */
export const signInHint: string =
  'Set AZURE_OPENAI_API_KEY; or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH, AZURE_FEDERATED_TOKEN_FILE) for Entra ID; or run cfile where there is a managed identity (AZURE_CLIENT_ID names a user-assigned one), which Workers never have.'
