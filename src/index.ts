/**
 * The library's door: every name that an application uses.
 *
 * @module
 */

// The app, for mounting and for serving.
export { createApp } from './app.ts'
// The upstream.
export { apiKey, type Credential, firstAvailable } from './azure/credentials.ts'
export { parseEndpoint } from './azure/endpoint.ts'
export { clientCertificate } from './azure/entra/client-certificate.ts'
export { clientSecret } from './azure/entra/client-secret.ts'
export { appServiceIdentity, imds } from './azure/entra/managed-identity.ts'
export { tokenCredential } from './azure/entra/token-credential.ts'
export { workloadIdentity } from './azure/entra/workload-identity.ts'
export { createAzureClient } from './azure-client.ts'
// What an answer cites.
export { type CaptureFetchOptions, captureFetch } from './capture-fetch.ts'
export { citationStream } from './core/citation-stream.ts'
export { type Citation, type ContainerFileCitation, getCitations } from './core/citations.ts'
// The name of a download.
export { contentDisposition } from './core/content-disposition.ts'
// What can go wrong.
export { CfileError, type ErrorCode, isCfileError } from './core/errors.ts'
export type { Grant } from './core/links/grant.ts'
export { parseSigningKeys, type SigningKey } from './core/links/keys.ts'
export { type LinkSettings, signUrl, verifyUrl } from './core/links/signer.ts'
export { openApp } from './open.ts'
export type { AppOptions, UpstreamOptions } from './options.ts'
// Links in an answer that passes through another back end.
export { type RewriteOptions, rewriteLinkStream, rewriteLinks } from './rewrite-links.ts'
export { parseEnv, type Settings } from './settings.ts'
// What is remembered.
export { memoryStore } from './stores/memory.ts'
export type { Json, Store, StoreEntry } from './stores/store.ts'
