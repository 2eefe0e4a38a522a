/**
 * The bodies of cfile's own POST routes: bounded, and JSON objects where they are JSON.
 *
 * @module
 */

import * as z from 'zod/mini'
import { CfileError } from '../core/errors.ts'
import { parseJson, readBounded } from '../core/http/body.ts'
import { inTurns } from '../core/in-turns.ts'
import { largeJson, setAside } from '../core/json/set-aside.ts'
import { isObject } from '../core/json/value.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { RouteContext } from './request.ts'
import type { Fields } from './schemas.ts'

/**
 * Reads a request's body.
 *
 * @throws CfileError `payload_too_large`
 */
export async function readBody(gateway: Gateway, c: RouteContext): Promise<Uint8Array> {
  const { whole } = await readBounded(c.req.raw.body, gateway.bounds.maxBodyBytes)
  if (whole !== undefined) return whole
  throw new CfileError(
    'payload_too_large',
    `The body is larger than the ${gateway.bounds.maxBodyBytes} bytes that are read.`,
    { param: 'CFILE_MAX_BODY_BYTES' },
  )
}

/**
 * Reads a JSON object.
 *
 * @param wanted what to post instead of anything else
 * @throws CfileError `invalid_request`, `payload_too_large`
 */
export async function parseObject(
  { runtime: { wait } }: Gateway,
  bytes: Uint8Array,
  wanted: string,
): Promise<Readonly<Record<string, unknown>>> {
  const whole = { start: 0, end: bytes.length }
  const aside =
    bytes.length < largeJson ? undefined : await inTurns(wait, setAside(bytes, whole, 'aside'))
  if (aside?.isDense === true) throw tooDense()
  const value = parseJson(aside?.bytes ?? bytes)
  if (isObject(value)) return value
  throw new CfileError('invalid_request', `The body is not a JSON object; post ${wanted}.`)
}

/**
 * Checks an object by its schema, which has no other fields.
 *
 * @param wanted what to post instead of anything else
 * @throws CfileError `invalid_request`; `invalid_id` for an id that is wrong or missing
 */
export function checkBody<T>(
  schema: Fields<T>,
  fields: Readonly<Record<string, unknown>>,
  wanted: string,
): T {
  // Not by the schema: zod passes over a key `__proto__`.
  const unknown = Object.keys(fields).find((name) => !Object.hasOwn(schema.shape, name))
  if (unknown !== undefined) {
    throw new CfileError('invalid_request', `A field is not known here; post ${wanted}.`, {
      param: unknown.slice(0, 64),
    })
  }
  const { success, data, error } = z.safeParse<z.ZodMiniType<T>>(schema, fields)
  if (success) return data
  const [issue] = error.issues
  const param = String(issue?.path[0])
  if (fields[param] !== undefined) {
    throw new CfileError('invalid_request', `${param} takes ${issue?.message}.`, { param })
  }
  const code = param.endsWith('_id') ? 'invalid_id' : 'invalid_request'
  throw new CfileError(code, `${param} is missing; post ${wanted}.`, { param })
}

function tooDense(): CfileError {
  return new CfileError('payload_too_large', 'The body holds too many values to be read.', {
    hint: 'Post the answer alone, as the upstream gave it, or name it by its response_id.',
  })
}
