/**
 * The parts of jose that check callers' tokens. This file is imported on demand, because a gateway without tokens does not
 * need them, and on Node they are 15 more files at the start. Bundlers drop the parts that it does not name.
 *
 * @module
 */

export { decodeProtectedHeader } from 'jose/decode/protected_header'
export { jwtVerify } from 'jose/jwt/verify'
export { importJWK } from 'jose/key/import'
