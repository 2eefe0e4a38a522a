/**
 * Credentials that need files or an identity of the machine: certificate, federated token, managed identity.
 *
 * @module
 */

import { type Credential, firstAvailable } from '../../azure/credentials.ts'
import { clientCertificate } from '../../azure/entra/client-certificate.ts'
import { appServiceIdentity, imds } from '../../azure/entra/managed-identity.ts'
import { settingFile } from '../../azure/entra/setting-file.ts'
import { workloadIdentity } from '../../azure/entra/workload-identity.ts'
import { CfileError } from '../../core/errors.ts'
import { appOf, type MachineIdentity } from './identity.ts'

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

/** Plain http is allowed: these endpoints are on this machine or on its own link. */
function checkUrl(param: string, text: string): void {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return
  const got = JSON.stringify(text.slice(0, 100))
  throw new CfileError('invalid_request', `${param} got ${got}, but takes an http or https URL.`, {
    param,
  })
}
