/**
 * Filters a list of the upstream, which holds the things of all callers, down to one page of the caller's things.
 *
 * The upstream is asked for large pages until the caller's page is full. The ids at the ends of that page are the
 * caller's own, so that the client can page with `after` as usual.
 *
 * @see https://platform.openai.com/docs/api-reference/files/list
 * @module
 */

import { parseJson, readBounded } from '../../../core/http/body.ts'
import { bodyHeaders, responseHeaders } from '../../../core/http/proxied-headers.ts'
import { elements, pick, rootSpan, stringAt } from '../../../core/json/spans.ts'
import { captureThings } from '../../capture/capture.ts'
import { setServedFrom } from '../../exchange.ts'
import type { Caller, Gateway, Upstream } from '../../gateway.ts'
import { findRecord, type Kind } from '../../owners/records.ts'
import type { ProxyRequest } from '../request.ts'
import { sendAlongRoute } from '../route.ts'

// One request must not read a whole resource for a caller who owns few of its things.
const mostPages = 20

/** Page sizes of a list operation. */
interface Sizes {
  /** Rows of a page when the request has no `limit`. */
  readonly usual: number
  /** Largest `limit` that the API accepts. */
  readonly largest: number
  /** Rows that the gateway asks the upstream for. */
  readonly read: number
}
const otherLists: Sizes = { usual: 20, largest: 100, read: 100 }
const uploads: Sizes = { usual: 10_000, largest: 10_000, read: 1000 }

/**
 * Answers with one page of the caller's things. The rows keep the upstream's bytes. Pages are read until the caller's
 * page is full, at most {@link mostPages}; `has_more` is true when rows may follow.
 *
 * @param send fetches one page of the upstream's list; `query` begins with `?`
 */
export async function answerOwnList(
  gateway: Gateway,
  caller: Caller,
  { request, operation: { kind }, named, route }: ProxyRequest,
  send: (upstream: Upstream, query: string) => Promise<Response>,
): Promise<Response> {
  const sizes = kind === 'file' && named.path.container.length === 0 ? uploads : otherLists
  const limit = limitOf(request.query, sizes)
  const rows: Row[] = []
  let query = limit === undefined ? request.query : withPage(request.query, sizes)
  for (let page = 1; ; page += 1) {
    const { answer, inFlight, upstream } = await sendAlongRoute(gateway, route, 'GET', (upstream) =>
      send(upstream, query),
    )
    inFlight.end()
    setServedFrom(request.exchange, upstream)
    const { whole } = answer.ok
      ? await readBounded(answer.body, gateway.bounds.maxBodyBytes)
      : { whole: undefined }
    // An error answer contains nothing of other callers, so it passes. A list that is too large is answered as empty.
    if (whole === undefined) {
      if (answer.ok) return writePage(answer, [], false)
      const { status, statusText, headers, body } = answer
      return new Response(body, { status, statusText, headers: responseHeaders(headers) })
    }
    const found = readPage(new TextDecoder().decode(whole))
    const own = await ownRows(gateway, caller, kind, found.rows)
    // A row may be the first mention of a file that its object has produced.
    const origin = { caller, upstream: upstream.name }
    if (kind === 'thing') await captureThings(gateway, origin, toPage(own), kind)
    rows.push(...own)
    const isFull = limit !== undefined && rows.length > limit
    const last = found.rows.at(-1)?.id
    if (isFull || !found.hasMore || last === undefined || page === mostPages) {
      const hasMore = isFull || (found.hasMore && last !== undefined)
      return writePage(answer, rows.slice(0, limit), hasMore)
    }
    query = withPage(query, sizes, last)
  }
}

/** Parses rows as a list, the shape in which things are captured. */
function toPage(rows: readonly Row[]): unknown {
  return parseJson(new TextEncoder().encode(`{"object":"list","data":[${joined(rows)}]}`))
}

/** The rows as elements of a JSON array, in the bytes of the upstream. */
function joined(rows: readonly Row[]): string {
  return rows.map(({ json }) => json).join(',')
}

/** One row of the upstream's list. */
interface Row {
  readonly id: string
  /** As the upstream wrote it. */
  readonly json: string
}

/**
 * Splits a page of the upstream into rows, without parsing them.
 *
 * @param json a list object of the API
 */
function readPage(json: string): { readonly rows: readonly Row[]; readonly hasMore: boolean } {
  const { data, has_more } = pick(json, rootSpan(json), ['data', 'has_more'])
  const rows = Array.from(elements(json, data), (span) => ({
    id: stringAt(json, pick(json, span, ['id']).id) ?? '',
    json: json.slice(span.start, span.end),
  }))
  return { rows, hasMore: has_more !== undefined && json.startsWith('true', has_more.start) }
}

/** Returns the rows that have a record of the caller. */
async function ownRows(
  gateway: Gateway,
  caller: Caller,
  kind: Kind,
  rows: readonly Row[],
): Promise<Row[]> {
  const records = await Promise.all(rows.map(({ id }) => findRecord(gateway, caller, kind, id)))
  return rows.filter((_, index) => records[index] !== undefined)
}

/** Rows that the request asks for; `undefined` for a limit that the upstream will refuse. */
function limitOf(query: string, { usual, largest }: Sizes): number | undefined {
  const text = new URLSearchParams(query).get('limit') ?? String(usual)
  const limit = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : undefined
  return limit === undefined || limit > largest ? undefined : limit
}

/**
 * Query for one page of the upstream's list. All parameters except `limit` and `after` stay as they are.
 *
 * @param after id of the row before the page
 */
function withPage(query: string, { read }: Sizes, after?: string): string {
  const replaced = after === undefined ? /^limit=/ : /^(?:limit|after)=/
  const kept = query
    .replace(/^\?/, '')
    .split('&')
    .filter((parameter) => parameter !== '' && !replaced.test(parameter))
  if (after !== undefined) kept.push(`after=${encodeURIComponent(after)}`)
  return `?${[...kept, `limit=${read}`].join('&')}`
}

/**
 * Builds the caller's page with the status and headers of the upstream's answer.
 *
 * @param rows rows of the caller, as the upstream wrote them
 * @param hasMore whether further rows may follow
 */
function writePage(answer: Response, rows: readonly Row[], hasMore: boolean): Response {
  const ids = [rows[0]?.id ?? null, rows.at(-1)?.id ?? null].map((id) => JSON.stringify(id))
  const page = `{"object":"list","data":[${joined(rows)}],"first_id":${ids[0]},"last_id":${ids[1]},"has_more":${hasMore}}`
  const headers = responseHeaders(answer.headers)
  // These describe the upstream's list.
  for (const name of [...bodyHeaders, 'content-encoding', 'last-modified']) headers.delete(name)
  return new Response(page, { status: answer.status, headers })
}
