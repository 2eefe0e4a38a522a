/**
 * A certificate for tests: node:crypto reads them but makes none, so its few fields are written by hand (X.690 DER).
 */

import { type KeyObject, sign } from 'node:crypto'

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts)
const sha256WithRsa = sequence(
  Buffer.from('06092a864886f70d01010b', 'hex'),
  Buffer.from('0500', 'hex'),
)
const name = sequence(
  der(0x31, sequence(Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from('cfile')))),
)
const time = (text: string) => der(0x17, Buffer.from(text))

/** A certificate of a key, signed by itself, in PEM. */
export function selfSigned(publicKey: KeyObject, privateKey: KeyObject): string {
  const fields = sequence(
    Buffer.from('a003020102', 'hex'),
    Buffer.from('020101', 'hex'),
    sha256WithRsa,
    name,
    sequence(time('260101000000Z'), time('360101000000Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = sign('sha256', fields, privateKey)
  const bytes = sequence(fields, sha256WithRsa, der(0x03, Buffer.from([0]), signature))
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
