/**
 * How cfile signs in to Entra ID, from the settings that the Azure SDKs use too.
 *
 * @module
 */

import type { Credential } from '../../azure/credentials.ts'
import type { App } from '../../azure/entra/app.ts'
import { clientSecret } from '../../azure/entra/client-secret.ts'
import { signInHint } from '../../azure/entra/hints.ts'
import { CfileError } from '../../core/errors.ts'
import type { IdentitySettings } from './azure.ts'

/** Makes the credential that needs files or an identity of the machine. Workers have neither. */
export type MachineIdentity = (settings: IdentitySettings) => Credential

/**
 * The credential that the settings name. The first call shows whether it works.
 *
 * @throws CfileError `invalid_request` if only part of it is set
 */
export function parseIdentity(settings: IdentitySettings, machine: MachineIdentity): Credential {
  const { clientSecret: secret } = settings
  if (secret === undefined) return machine(settings)
  return clientSecret({ ...appOf(settings, 'AZURE_CLIENT_SECRET'), clientSecret: secret })
}

/** The app registration that a setting needs. @throws CfileError `invalid_request` if one of its ids is missing */
export function appOf(settings: IdentitySettings, because: string): App {
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

/** The credential of a runtime without files and without an identity: each call fails and says what to set. */
export const noMachineIdentity: MachineIdentity = (settings) => ({
  kind: 'none',
  authorize: async () => {
    const { clientCertificatePath: certificate, federatedTokenFile: token } = settings
    const file = certificate ? 'AZURE_CLIENT_CERTIFICATE_PATH' : 'AZURE_FEDERATED_TOKEN_FILE'
    const message =
      (certificate ?? token)
        ? `This runtime has no files, so ${file} is of no use here.`
        : 'There is nothing to sign in with: no key, no app, and no managed identity.'
    throw new CfileError('upstream_auth', message, { hint: signInHint })
  },
})
