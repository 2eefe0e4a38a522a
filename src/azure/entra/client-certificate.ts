/**
 * An app registration and its certificate: a statement signed with its key (RFC 7523, RFC 7515 §4.1.8).
 *
 * @module
 */

import { CfileError } from '../../core/errors.ts'
import type { Credential, Means } from '../credentials.ts'
import { type App, appCredential, assertionFields } from './app.ts'

/** Options of {@link clientCertificate}. */
export interface ClientCertificateOptions extends App {
  /**
   * PEM: the certificate, and its RSA key as PKCS #8 (`BEGIN PRIVATE KEY`) without a password; in any order. A function
   * is asked for each token anew, so that a certificate may be renewed meanwhile.
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

async function sign(pkcs8: Der, text: string): Promise<string> {
  const algorithm = { name: 'RSA-PSS', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign'])
  const bytes = new TextEncoder().encode(text)
  return base64url(
    new Uint8Array(await crypto.subtle.sign({ name: 'RSA-PSS', saltLength: 32 }, key, bytes)),
  )
}

type Der = Uint8Array<ArrayBuffer>

interface Certified {
  readonly certificate: Der
  readonly key: Der
}

function readerOf(pem: ClientCertificateOptions['pem']): (means: Means) => Promise<Certified> {
  if (typeof pem === 'function') return async (means) => readLate(await pem(means))
  const read = readPem(pem)
  return async () => read
}

function readPem(pem: string): Certified {
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    throw unusable(
      'The key of the certificate has a password, and there is no setting for one: take it off with `openssl pkcs8 -topk8 -nodes`.',
    )
  }
  if (/BEGIN (?:RSA|EC) PRIVATE KEY/.test(pem)) {
    throw unusable(
      'The key of the certificate is not in PKCS #8: convert it with `openssl pkcs8 -topk8 -nodes`.',
    )
  }
  return { certificate: readBlock(pem, 'CERTIFICATE'), key: readBlock(pem, 'PRIVATE KEY') }
}

/** What comes only when a token is wanted is no fault of the caller who happens to want it. */
function readLate(pem: string): Certified {
  try {
    return readPem(pem)
  } catch (cause) {
    throw new CfileError('upstream_auth', (cause as Error).message, {
      hint: 'AZURE_CLIENT_CERTIFICATE_PATH takes a PEM file with the certificate and its key.',
      cause,
    })
  }
}

function readBlock(pem: string, label: string): Der {
  const text = new RegExp(`-----BEGIN ${label}-----([^-]+)-----END ${label}-----`).exec(pem)?.[1]
  try {
    if (text !== undefined) return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  } catch {
    // Told below: what stands there may be a key.
  }
  throw unusable(
    `The PEM of the certificate has no readable ${label} block; it takes a CERTIFICATE and a PRIVATE KEY (PKCS #8, no password).`,
  )
}

function unusable(message: string): CfileError {
  return new CfileError('invalid_request', message)
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
