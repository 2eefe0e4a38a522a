/**
 * An app registration and its certificate: a statement signed with its key (RFC 7523, RFC 7515 §4.1.8).
 *
 * @module
 */

import { CfileError } from '../../core/errors.ts'
import type { Credential } from '../credentials.ts'
import { type App, appCredential, assertionFields } from './app.ts'
import type { TokenCall } from './tokens.ts'

/** Options of {@link clientCertificate}. */
export interface ClientCertificateOptions extends App {
  /** PEM: the certificate, and its RSA key as PKCS #8 (`BEGIN PRIVATE KEY`) without a password; in any order. */
  readonly pem: string
}

/**
 * Signs in as an app with its certificate.
 *
 * @throws CfileError `invalid_request` for a PEM without a certificate or without a key
 */
export function clientCertificate({ pem, ...app }: ClientCertificateOptions): Credential {
  const certificate = readBlock(pem, 'CERTIFICATE')
  const key = readBlock(pem, 'PRIVATE KEY')
  let count = 0
  return appCredential('client certificate', app, async (tokenUrl, { now, random }: TokenCall) => {
    count += 1
    const digest = await crypto.subtle.digest('SHA-256', certificate)
    const header = { alg: 'PS256', typ: 'JWT', 'x5t#S256': base64url(new Uint8Array(digest)) }
    const claims = {
      aud: tokenUrl,
      iss: app.clientId,
      sub: app.clientId,
      jti: `${now()}-${count}-${random().toString(36).slice(2)}`,
      nbf: now() - 30,
      exp: now() + 600,
    }
    const statement = `${encode(header)}.${encode(claims)}`
    return assertionFields(`${statement}.${await sign(key, statement)}`)
  })
}

async function sign(pkcs8: Uint8Array<ArrayBuffer>, text: string): Promise<string> {
  const algorithm = { name: 'RSA-PSS', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign'])
  const bytes = new TextEncoder().encode(text)
  return base64url(
    new Uint8Array(await crypto.subtle.sign({ name: 'RSA-PSS', saltLength: 32 }, key, bytes)),
  )
}

function readBlock(pem: string, label: string): Uint8Array<ArrayBuffer> {
  const text = new RegExp(`-----BEGIN ${label}-----([^-]+)-----END ${label}-----`).exec(pem)?.[1]
  try {
    if (text !== undefined) return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  } catch {
    // Told below: what stands there may be a key.
  }
  throw new CfileError(
    'invalid_request',
    `The PEM of the certificate has no readable ${label} block; it takes a CERTIFICATE and a PRIVATE KEY (PKCS #8, no password).`,
  )
}

function encode(value: object): string {
  return base64url(new TextEncoder().encode(JSON.stringify(value)))
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '')
}
