/**
 * Signs in to Entra ID as an app registration, by a JWT that is signed with the key of its certificate (RFC 7523,
 * RFC 7515 §4.1.8).
 *
 * @see https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 *
 * @module
 */

import { fromBase64 } from '../../core/encoding.ts'
import { CfileError } from '../../core/errors.ts'
import type { Credential, Means } from '../credentials.ts'
import { type App, appCredential, assertionFields } from './app.ts'

/** Options of {@link clientCertificate}. */
export interface ClientCertificateOptions extends App {
  /**
   * The certificate and its RSA key in PEM, in any order. The key is PKCS #8 (`BEGIN PRIVATE KEY`) without a password.
   * A function is called for each token request, so that the certificate can be renewed.
   */
  readonly pem: string | ((means: Means) => Promise<string>)
}

/**
 * Signs in as an app with its certificate.
 *
 * @throws CfileError `invalid_request` for a PEM without a certificate or without a key that can be used
 */
export function clientCertificate({ pem, ...app }: ClientCertificateOptions): Credential {
  const certified = readerOf(pem)
  let count = 0
  return appCredential('client certificate', app, async (tokenUrl, call) => {
    const { now, random } = call
    const { certificate, key } = await certified(call)
    count += 1
    // Loaded here, since few apps sign in with a certificate.
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

interface Certified {
  /** DER. */
  readonly certificate: Uint8Array<ArrayBuffer>
  /** PEM, PKCS #8. */
  readonly key: string
}

function readerOf(pem: ClientCertificateOptions['pem']): (means: Means) => Promise<Certified> {
  if (typeof pem === 'function') return async (means) => readLate(await pem(means))
  const read = readPem(pem)
  return async () => read
}

function readPem(pem: string): Certified {
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

/** Reads a PEM during a request. A fault in it becomes `upstream_auth`, since the caller of the request did not cause it. */
function readLate(pem: string): Certified {
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
