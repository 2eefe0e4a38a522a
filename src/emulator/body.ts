/**
 * Request bodies: JSON and forms.
 *
 * @module
 */

import type { Context } from 'hono'
import { invalidRequest } from './errors.ts'
import { isJson, type Json, parseJson } from './json.ts'

/**
 * The JSON object that a request brings.
 *
 * @throws Refusal 400 where it brings none
 */
export async function readJson(c: Context): Promise<Json> {
  const body = parseJson(await c.req.text())
  if (isJson(body)) return body
  throw invalidRequest(400, 'We could not parse the JSON body of your request.')
}

/**
 * The fields of a form; of a field that is repeated, the last.
 *
 * @throws Refusal 400 where the body is no multipart form
 */
export async function readForm(c: Context): Promise<Readonly<Record<string, string | File>>> {
  try {
    const form = await c.req.parseBody()
    return form
  } catch {
    throw invalidRequest(400, 'We could not parse the multipart form of your request.')
  }
}

/** Whether the request brings a form and not JSON. */
export function hasForm(c: Context): boolean {
  return /^multipart\/form-data\b/i.test(c.req.header('content-type') ?? '')
}
