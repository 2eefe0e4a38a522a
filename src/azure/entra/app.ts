/**
 * Signs in to Entra ID as an app registration: by a client secret, by a token of another issuer that the app trusts
 * (workload identity), or by a JWT that is signed with the key of the app's certificate (RFC 7523, RFC 7515 §4.1.8).
 *
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 * @see https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 *
 * @module
 */

import { fromBase64 } from '../../core/encoding.ts'
import { CfileError } from '../../core/errors.ts'
import { isLoopback } from '../../core/url.ts'
import type { Credential, CredentialRuntime } from '../credentials.ts'
import { bearer, requestToken, type TokenCall } from './tokens.ts'

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
type Authenticate = (tokenUrl: string, call: TokenCall) => Promise<Readonly<Record<string, string>>>

/** The form fields for authentication by a signed JWT (RFC 7523 §2.2). */
function assertionFields(client_assertion: string): Readonly<Record<string, string>> {
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
function appCredential(
  kind: string,
  { tenantId, clientId, authorityHost }: App,
  authenticate: Authenticate,
): Credential {
  const authority = authorityHost === undefined ? undefined : parseAuthority(authorityHost)
  return bearer(kind, async (scope, call) => {
    const host = authority ?? authorityOf(scope)
    const url = `${host}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      scope,
      ...(await authenticate(url, call)),
    })
    const hint =
      'Check AZURE_TENANT_ID, AZURE_CLIENT_ID, and the secret, certificate or token of the app.'
    return requestToken({ url, form, endpointName: 'Entra ID', hint }, call)
  })
}

/**
 * The token endpoint's base for the cloud of a scope.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
 */
function authorityOf(scope: string): string {
  const cloud = /\.azure\.(us|cn)\//.exec(scope)?.[1]
  if (cloud === 'us') return 'https://login.microsoftonline.us'
  return `https://login.${cloud === 'cn' ? 'partner.microsoftonline.cn' : 'microsoftonline.com'}`
}

/**
 * Checks the authority host and removes its trailing slashes.
 *
 * @throws CfileError `invalid_request`
 */
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
interface ClientSecretOptions extends App {
  readonly clientSecret: string
}

/**
 * Signs in as an app with its secret.
 *
 * @param options the app registration, and a secret of it that has not expired
 * @throws CfileError `invalid_request` for an authority host that is not https
 */
export function clientSecret({ clientSecret: secret, ...app }: ClientSecretOptions): Credential {
  return appCredential('client secret', app, async () => ({ client_secret: secret }))
}

/** Options of {@link workloadIdentity}. */
interface WorkloadIdentityOptions extends App {
  /** Returns a token of an issuer that the app trusts, such as Kubernetes or GitHub. Called for each token request. */
  readonly assertion: (runtime: CredentialRuntime) => Promise<string>
}

/**
 * Signs in as an app with a token of an issuer that it trusts.
 *
 * @param options the app registration, and where its tokens come from
 * @throws CfileError `invalid_request` for an authority host that is not https
 * @see https://learn.microsoft.com/entra/workload-id/workload-identity-federation
 */
export function workloadIdentity({ assertion, ...app }: WorkloadIdentityOptions): Credential {
  return appCredential('workload identity', app, async (_url, call) =>
    assertionFields(await assertion(call)),
  )
}

/** Options of {@link clientCertificate}. */
interface ClientCertificateOptions extends App {
  /**
   * The certificate and its RSA key in PEM, in any order. The key is PKCS #8 (`BEGIN PRIVATE KEY`) without a password.
   * A function is called for each token request, so that the certificate can be renewed.
   */
  readonly pem: string | ((runtime: CredentialRuntime) => Promise<string>)
}

/**
 * Signs in as an app with its certificate.
 *
 * @param options the app registration, and its certificate with the key
 * @throws CfileError `invalid_request` for a PEM without a certificate or without a key that can be used
 */
export function clientCertificate({ pem, ...app }: ClientCertificateOptions): Credential {
  const readCertificate = readerOf(pem)
  let count = 0
  return appCredential('client certificate', app, async (tokenUrl, call) => {
    const { now, random } = call
    const { certificate, key } = await readCertificate(call)
    count += 1
    // Loaded here, because few apps sign in with a certificate.
    const [{ encode }, { SignJWT }, { importPKCS8 }] = await Promise.all([
      import('jose/base64url'),
      import('jose/jwt/sign'),
      import('jose/key/import'),
    ])
    const digest = await crypto.subtle.digest('SHA-256', certificate)
    const assertion = new SignJWT()
      .setProtectedHeader({
        alg: algorithm,
        typ: 'JWT',
        'x5t#S256': encode(new Uint8Array(digest)),
      })
      .setAudience(tokenUrl)
      .setIssuer(app.clientId)
      .setSubject(app.clientId)
      .setJti(`${now()}-${count}-${random().toString(36).slice(2)}`)
      .setNotBefore(now() - 30)
      .setExpirationTime(now() + 600)
    return assertionFields(await assertion.sign(await importPKCS8(key, algorithm)))
  })
}

const algorithm = 'PS256'

interface CertificateAndKey {
  /** DER. */
  readonly certificate: Uint8Array<ArrayBuffer>
  /** PEM, PKCS #8. */
  readonly key: string
}

/** Reads a PEM at once, or for each token request if it is a function. */
function readerOf(
  pem: ClientCertificateOptions['pem'],
): (runtime: CredentialRuntime) => Promise<CertificateAndKey> {
  if (typeof pem === 'function') return async (runtime) => readPemOfRequest(await pem(runtime))
  const read = readPem(pem)
  return async () => read
}

/**
 * The certificate and the key in a PEM.
 *
 * @throws CfileError `invalid_request` that says how to convert the key
 */
function readPem(pem: string): CertificateAndKey {
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    throw unusable(
      'The key of the certificate has a password, and cfile has no setting for it: remove it with `openssl pkcs8 -topk8 -nodes`.',
    )
  }
  if (/BEGIN (?:RSA|EC) PRIVATE KEY/.test(pem)) {
    throw unusable(
      'The key of the certificate is not in PKCS #8: convert it with `openssl pkcs8 -topk8 -nodes`.',
    )
  }
  return { certificate: readBlock(pem, 'CERTIFICATE').der, key: readBlock(pem, 'PRIVATE KEY').pem }
}

/** Reads a PEM during a request. A fault in it becomes `upstream_auth`, because the operator caused it, not the caller. */
function readPemOfRequest(pem: string): CertificateAndKey {
  try {
    return readPem(pem)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new CfileError('upstream_auth', message, {
      hint: 'AZURE_CLIENT_CERTIFICATE_PATH takes a PEM file with the certificate and its key.',
      cause,
    })
  }
}

interface Block {
  readonly der: Uint8Array<ArrayBuffer>
  readonly pem: string
}

/**
 * One block of a PEM (RFC 7468).
 *
 * @param label such as `CERTIFICATE`
 * @throws CfileError `invalid_request` if there is none
 */
function readBlock(pem: string, label: string): Block {
  const [block, text] =
    new RegExp(`-----BEGIN ${label}-----([^-]+)-----END ${label}-----`).exec(pem) ?? []
  try {
    if (block !== undefined && text !== undefined) {
      return { pem: block, der: fromBase64(text) }
    }
  } catch {
    // The error below shows nothing of the block, since it may be a key.
  }
  throw unusable(
    `The PEM of the certificate has no readable ${label} block; it takes a CERTIFICATE and a PRIVATE KEY (PKCS #8, no password).`,
  )
}

function unusable(message: string): CfileError {
  return new CfileError('invalid_request', message)
}
