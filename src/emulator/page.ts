/**
 * Pages of lists with `limit`, `order`, `after` and `before`, as in every list of the API.
 *
 * @module
 */

import type { Context } from 'hono'
import { invalidRequest, json } from './json.ts'
import type { ListObject } from './shapes.ts'

interface Row {
  readonly id: string
}

/**
 * Answers with one page.
 *
 * @param rows in order of creation
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

/** With an unknown cursor a careless client would loop for ever. */
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
