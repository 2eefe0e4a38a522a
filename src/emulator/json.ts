/**
 * JSON as the service reads and writes it: request bodies, answers, pages of lists with `limit`, `order`, `after` and
 * `before`, and the error answers seen on the wire.
 *
 * @module
 */

import type { Context } from 'hono'
import type { ListObject } from './shapes.ts'

/** Any JSON object. */
export type Json = Readonly<Record<string, unknown>>

/**
 * Writes JSON as the service does: sampling numbers are floats such as `1.0`, which JavaScript writes as `1`.
 *
 * @param value without `undefined`, functions and cycles
 * @param indent blanks for each level; absent for one line, as in events
 */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent)
  return text.replace(/("(?:temperature|top_p)": ?\d+)(?=[,\n}])/g, '$1.0')
}

/**
 * A JSON answer, indented. Recorded lengths show the indentation.
 *
 * @param status of HTTP
 * @param headers besides type and length
 */
export function json(
  body: object,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const bytes = new TextEncoder().encode(jsonText(body, 2))
  return new Response(bytes, {
    status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(bytes.byteLength),
      ...headers,
    },
  })
}

/**
 * Parses a text; `undefined` if it is not JSON.
 *
 * @param text of a body
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether a value is a JSON object, and neither an array nor null. */
export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Reads a JSON object.
 *
 * @param c request, its body unread
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
 * @param c request, its body unread
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

/**
 * Whether the request body is a form.
 *
 * @param c request
 */
export function hasForm(c: Context): boolean {
  return /^multipart\/form-data\b/i.test(c.req.header('content-type') ?? '')
}

/** An error that a route throws; the emulator answers with its response. */
export class Refusal extends Error {
  readonly status: number
  readonly body: object
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, body: object, headers: Readonly<Record<string, string>> = {}) {
    super(`refused with ${status}`)
    this.status = status
    this.body = body
    this.headers = headers
  }

  toResponse(): Response {
    return json(this.body, this.status, this.headers)
  }
}

/**
 * An error in the envelope of the OpenAI API.
 *
 * @param status of HTTP
 * @param message as the service words it
 * @param param the parameter that is wrong
 * @param code of the error, where the service sends one
 */
export function invalidRequest(
  status: number,
  message: string,
  param: string | null = null,
  code: string | null = null,
): Refusal {
  return new Refusal(status, { error: { message, type: 'invalid_request_error', param, code } })
}

/**
 * An error in Azure's own envelope, which has no type and no param.
 *
 * @param status of HTTP
 * @param code of the error, such as `404`
 * @param message as Azure words it
 * @param headers besides the type
 */
export function azureRefusal(
  status: number,
  code: string,
  message: string,
  headers?: Readonly<Record<string, string>>,
): Refusal {
  return new Refusal(status, { error: { code, message } }, headers)
}

/**
 * The error for a missing parameter.
 *
 * @param param such as `tools[0].container`
 */
export function missingParameter(param: string): Refusal {
  const message = `Missing required parameter: '${param}'.`
  return invalidRequest(400, message, param, 'missing_required_parameter')
}

/**
 * The error for an unknown container, response or conversation.
 *
 * @param what kind of the object, as the service words it
 * @param id that the request named
 */
export function notFound(what: string, id: string): Refusal {
  return invalidRequest(404, `${what} with id '${id}' not found.`)
}

/**
 * The error for a file id that is not in the container.
 *
 * @param containerId container of the path
 * @param fileId file of the path
 */
export function fileNotFound(containerId: string, fileId: string): Refusal {
  return invalidRequest(404, `File ${fileId} not found on container ${containerId}.`)
}

/** The Files API's error for an id that is not its own. */
export function entityNotFound(): Refusal {
  return azureRefusal(404, 'notFound', 'The specified entity cannot be found.')
}

/** API Management's error for an unknown path. */
export function resourceNotFound(): Refusal {
  return azureRefusal(404, '404', 'Resource not found')
}

/** The error for running code in an expired container. */
export function containerExpired(): Refusal {
  return invalidRequest(400, 'Container is expired.')
}

/** The error for a wrong or missing key. */
export function invalidKey(): Refusal {
  return azureRefusal(
    401,
    '401',
    'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.',
  )
}

interface Row {
  readonly id: string
}

/**
 * Answers with one page.
 *
 * @param c request with the query
 * @param rows in order of creation
 * @param toObject makes the API's representation of a row
 * @param longest largest `limit`, which is also the usual one if it is not 100
 * @throws Refusal 400 for a limit out of range and for an unknown cursor
 */
export function listPage<R extends Row, T extends object>(
  c: Context,
  rows: Iterable<R>,
  toObject: (row: R) => T,
  longest = 100,
): Response {
  const limit = readLimit(c.req.query('limit'), longest)
  const sorted = [...rows]
  if (c.req.query('order') !== 'asc') sorted.reverse()
  const after = indexOf(sorted, 'after', c.req.query('after')) ?? -1
  const before = indexOf(sorted, 'before', c.req.query('before'))
  const rest = sorted.slice(after + 1, before)
  const data = rest.slice(0, limit)
  const page: ListObject<T> = {
    object: 'list',
    data: data.map(toObject),
    first_id: data[0]?.id ?? null,
    has_more: rest.length > limit,
    last_id: data.at(-1)?.id ?? null,
  }
  return json(page)
}

/**
 * Reads `limit`.
 *
 * @throws Refusal 400 as the service words it
 */
function readLimit(text: string | undefined, longest: number): number {
  if (text === undefined) return longest === 100 ? 20 : longest
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= longest) return limit
  const bound = limit > longest ? 'above_max' : 'below_min'
  throw invalidRequest(
    400,
    `Invalid 'limit': expected an integer from 1 to ${longest}, but got ${text} instead.`,
    'limit',
    `integer_${bound}_value`,
  )
}

/** Returns the index of a cursor. @throws Refusal 400 for an unknown cursor, with which a careless client would loop for ever */
function indexOf(
  rows: readonly Row[],
  name: string,
  cursor: string | undefined,
): number | undefined {
  if (cursor === undefined || cursor === '') return undefined
  const index = rows.findIndex(({ id }) => id === cursor)
  if (index === -1) throw invalidRequest(400, `Invalid '${name}': no such object.`, name)
  return index
}
