/**
 * Entry point of the library `cfile`: all exports for applications.
 *
 * @module
 */

// The app.
export { createApp } from './app.ts'
// Endpoint and credentials of an upstream.
export { apiKey, type Credential, firstAvailable } from './azure/credentials.ts'
export { parseEndpoint } from './azure/endpoint.ts'
export { clientCertificate, clientSecret, workloadIdentity } from './azure/entra/app.ts'
export { appServiceIdentity, imds } from './azure/entra/managed-identity.ts'
export { tokenCredential } from './azure/entra/tokens.ts'
export { citationStream } from './core/api/citations/citation-stream.ts'
export {
  type Citation,
  type ContainerFileCitation,
  getCitations,
} from './core/api/citations/citations.ts'
// Errors.
export { CfileError, type ErrorCode, isCfileError } from './core/errors.ts'
// The file name of a download.
export { contentDisposition } from './core/http/content-disposition.ts'
export type { Grant } from './core/links/grant.ts'
export { parseSigningKeys, type SigningKey } from './core/links/keys.ts'
export { type LinkSettings, signUrl, verifyUrl } from './core/links/signer.ts'
export { createAzureClient } from './library/azure-client.ts'
// Citations of an answer.
export { type CaptureFetchOptions, captureFetch } from './library/capture-fetch.ts'
// Links in answers that pass through another back end.
export { type RewriteOptions, rewriteLinkStream, rewriteLinks } from './library/rewrite-links.ts'
export type { AppOptions, UpstreamOptions } from './options.ts'
export { openApp } from './start/open-app.ts'
export { parseEnv, type Settings } from './start/settings/settings.ts'
// Stores.
export { memoryStore } from './stores/memory.ts'
export type { Json, Store, StoreEntry } from './stores/store.ts'
