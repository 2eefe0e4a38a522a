/**
 * Chooses the credential for Entra ID from the settings that the Azure SDKs use too.
 *
 * @module
 */

import { type Credential, firstAvailable, type Means } from '../../azure/credentials.ts'
import { type App, clientSecret, workloadIdentity } from '../../azure/entra/app.ts'
import { clientCertificate } from '../../azure/entra/client-certificate.ts'
import { appServiceIdentity, imds, signInHint } from '../../azure/entra/managed-identity.ts'
import { CfileError } from '../../core/errors.ts'
import type { IdentitySettings } from './azure.ts'

/** Creates a credential that needs files or a managed identity. Workers have neither. */
export type MachineIdentity = (settings: IdentitySettings) => Credential

/**
 * Chooses the credential that the settings name. It is not tried before the first request.
 *
 * @throws CfileError `invalid_request` if only part of it is set
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

/** For runtimes without files and without a managed identity. Each call fails, and the error names the missing settings. */
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
 * The certificate if one is set; else the first of federated token, App Service identity and IMDS that exists here.
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

/** Plain http is allowed, because these endpoints are on this machine or on its local link. */
function checkUrl(param: string, text: string): void {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return
  const got = JSON.stringify(text.slice(0, 100))
  throw new CfileError('invalid_request', `${param} got ${got}, but takes an http or https URL.`, {
    param,
  })
}

/**
 * Returns a reader of the file that a setting names. It reads the file each time, because renewed secrets replace it.
 *
 * @param setting name of the setting, for errors
 * @param path path of the file
 */
export function settingFile(setting: string, path: string): (means: Means) => Promise<string> {
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
