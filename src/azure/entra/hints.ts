/**
 * What to set when no credential is there.
 *
 * @module
 */

/** Hint of the error for a missing credential. */
export const signInHint: string =
  'Set AZURE_OPENAI_API_KEY; or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH, AZURE_FEDERATED_TOKEN_FILE) for Entra ID; or run cfile where there is a managed identity (AZURE_CLIENT_ID names a user-assigned one), which Workers never have.'
