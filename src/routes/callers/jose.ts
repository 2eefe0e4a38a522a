/**
 * The parts of jose that check callers' tokens. This file is imported dynamically, because a gateway without tokens needs
 * none of them: on Node they are 15 further files at the start. It names what is used, so that bundlers drop the rest.
 *
 * @module
 */

export { decodeProtectedHeader } from 'jose/decode/protected_header'
export { jwtVerify } from 'jose/jwt/verify'
export { importJWK } from 'jose/key/import'
