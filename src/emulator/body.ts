/**
 * Reads request bodies: JSON and forms.
 *
 * @module
 */

import type { Context } from 'hono'
import { invalidRequest } from './errors.ts'
import { isJson, type Json, parseJson } from './json.ts'

/**
 * Reads a JSON object.
 *
 * @throws Refusal 400 for any other body
 */
export async function readJson(c: Context): Promise<Json> {
  const body = parseJson(await c.req.text())
  if (isJson(body)) return body
  throw invalidRequest(400, 'We could not parse the JSON body of your request.')
}

/**
 * Reads the fields of a form. For repeated fields the last one counts.
 *
 * @throws Refusal 400 for a body that is not a multipart form
 */
export async function readForm(c: Context): Promise<Readonly<Record<string, string | File>>> {
  try {
    const form = await c.req.parseBody()
    return form
  } catch {
    throw invalidRequest(400, 'We could not parse the multipart form of your request.')
  }
}

/** Whether the request body is a form. */
export function hasForm(c: Context): boolean {
  return /^multipart\/form-data\b/i.test(c.req.header('content-type') ?? '')
}
