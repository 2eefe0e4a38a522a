/**
 * The bodies of cfile's own POST routes: bounded, and JSON objects where they are JSON.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import { parseJson, readBounded } from '../core/http/body.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { RouteContext } from './request.ts'

/**
 * Reads a request's body.
 *
 * @throws CfileError `payload_too_large`
 */
export async function readBody(gateway: Gateway, c: RouteContext): Promise<Uint8Array> {
  const { whole } = await readBounded(c.req.raw.body, gateway.maxBodyBytes)
  if (whole !== undefined) return whole
  throw new CfileError(
    'payload_too_large',
    `The body is larger than the ${gateway.maxBodyBytes} bytes that are read.`,
    { param: 'CFILE_MAX_BODY_BYTES' },
  )
}

/**
 * Reads a JSON object.
 *
 * @param wanted what to post instead of anything else
 * @throws CfileError `invalid_request`
 */
export function parseObject(bytes: Uint8Array, wanted: string): Readonly<Record<string, unknown>> {
  const value = parseJson(bytes)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw new CfileError('invalid_request', `The body is not a JSON object; post ${wanted}.`)
}
