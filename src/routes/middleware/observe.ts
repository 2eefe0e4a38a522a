/**
 * Observes requests: writes the access log, and records metrics and spans.
 *
 * @module
 */

import { isContainerFileId, isContainerId, isFileId } from '../../core/ids.ts'
import { label } from '../../core/observe/metrics.ts'
import {
  endSpan,
  type StartedSpan,
  startServerSpan,
  type TelemetryApi,
  traceHeaders,
} from '../../core/observe/telemetry.ts'
import { version } from '../../core/observe/version.ts'
import { beginExchange, type Exchange, endBody, sendHead } from '../../gateway/exchange.ts'
import { anyone, type Gateway } from '../../gateway/gateway.ts'
import { baseRouteOf, type RouteContext } from '../request.ts'
import { clientGone } from './error-answer.ts'

/** Options of {@link observeFamily}. */
export interface Observation {
  /** Whether each request has a line in the log. */
  readonly accessLog: boolean
  /** The host app's OpenTelemetry, if it has registered one. */
  readonly telemetry: () => TelemetryApi | undefined
  /** Creates the id of a request. */
  readonly createId: () => string
}

/** Observes the requests of one family of routes. */
export interface Observer {
  /** Creates the exchange of a request, and answers the request within its span. */
  run(c: RouteContext, answer: () => Promise<void>): Promise<void>
  /** Counts the answer, and watches its body. Call it when the head of the answer is complete. */
  observeHead(c: RouteContext): Promise<void>
}

/**
 * Creates the observer of a family of routes.
 *
 * @param family name of the family, such as `files`
 */
export function observeFamily(
  gateway: Gateway,
  { accessLog, telemetry, createId }: Observation,
  family: string,
): Observer {
  const { log } = gateway
  const { metrics, traces } = gateway.observed
  const { clock, carrier } = gateway.runtime
  const labels = label({ family })
  const statusLabels = [0, 1, 2, 3, 4, 5].map((first) => label({ family, status: `${first}xx` }))
  metrics.add('cfile_in_flight', 0, labels)

  function finish(c: RouteContext, exchange: Exchange, started: StartedSpan | undefined): void {
    const now = clock()
    const { startedAt, bytes, from, isDownload, status } = exchange
    metrics.add('cfile_in_flight', -1, labels)
    metrics.observe('cfile_request_duration_seconds', (now - startedAt) / 1000, labels)
    if (isDownload && from !== undefined) {
      metrics.add('cfile_delivered_bytes_total', bytes, originLabels[from])
    }
    // A client that leaves also breaks the upstream's body, and that failure may be reported first.
    if (exchange.outcome === 'upstream_broke' && c.req.raw.signal.aborted) {
      exchange.outcome = 'client_left'
    }
    if (started !== undefined) {
      const route = routeOf(c, exchange)
      started.span.updateName(`${exchange.method} ${route}`)
      started.span.setAttribute('http.route', route)
      endSpan(started, status, status >= 500)
    }
    if (accessLog && log.writes?.('info') !== false) {
      const route = routeOf(c, exchange)
      const fields = accessFields(gateway, c, exchange, { route, now })
      log('info', `${exchange.method} ${route} ${status}`, fields)
    }
  }

  return {
    async run(c, answer) {
      const { method, headers, signal } = c.req.raw
      const requestId = createId()
      const api = telemetry()
      const started = api && startServerSpan(api, version, method, headers)
      const trace = traceHeaders(headers)
      if (trace !== undefined || started !== undefined) {
        traces.begin(signal, { headers: trace ?? {}, context: started?.context })
      }
      const exchange: Exchange = beginExchange({
        requestId,
        method,
        startedAt: clock(),
        onEnd: () => finish(c, exchange, started),
      })
      metrics.add('cfile_in_flight', 1, labels)
      c.set('requestId', requestId)
      c.set('caller', anyone)
      c.set('exchange', exchange)
      if (started === undefined || api?.context === undefined) return answer()
      return api.context.with(started.context, answer)
    },

    async observeHead(c) {
      const exchange = c.get('exchange')
      const now = clock()
      const { body } = exchange
      const status = body === 'socket' ? 101 : c.res.status
      metrics.add('cfile_requests_total', 1, statusLabels[Math.floor(status / 100)])
      metrics.observe('cfile_first_byte_seconds', (now - exchange.startedAt) / 1000, labels)
      if (body === 'whole') await measure(c, exchange)
      if (body === 'passing') {
        const watched = carrier.watch(c.res, {
          onEnd: (bytes, outcome) => endBody(exchange, bytes, outcome),
        })
        replace(c, watched)
      }
      sendHead(exchange, status, now)
    },
  }
}

/** Sets the byte counter of each possible origin to zero, so that a scraper sees the first increase. */
export function countOrigins({ observed: { metrics }, upstreams, archiving }: Gateway): void {
  const origins = upstreams.map(({ isEmulator }) => (isEmulator ? 'emulator' : 'upstream'))
  for (const origin of [...origins, ...(archiving === undefined ? [] : (['archive'] as const))]) {
    metrics.add('cfile_delivered_bytes_total', 0, originLabels[origin])
  }
}

const originLabels = {
  archive: label({ from: 'archive' }),
  upstream: label({ from: 'upstream' }),
  emulator: label({ from: 'emulator' }),
}

/** Reads an answer that is already in memory, to know its length. */
async function measure(c: RouteContext, exchange: Exchange): Promise<void> {
  const { res } = c
  const outcome = res.status === clientGone ? 'client_left' : 'done'
  if (exchange.method === 'HEAD' || res.body === null) return endBody(exchange, 0, outcome)
  const bytes = await res.arrayBuffer()
  const measured = new Response(bytes, res)
  measured.headers.set('content-length', String(bytes.byteLength))
  replace(c, measured)
  endBody(exchange, bytes.byteLength, outcome)
}

/** Replaces the answer of a request. */
function replace(c: RouteContext, answer: Response): void {
  // Without this, Hono copies the answer to keep the headers of the previous one.
  c.res = undefined
  c.res = answer
}

/** Facts of a line that the exchange does not have. */
interface LineFacts {
  /** Pattern of the route. */
  readonly route: string
  /** Milliseconds of the monotonic clock. */
  readonly now: number
}

/** The fields of a line in the access log. No field holds a file name, a path or a query. */
function accessFields(
  { owners: { knowsCallers } }: Gateway,
  c: RouteContext,
  exchange: Exchange,
  { route, now }: LineFacts,
): Readonly<Record<string, unknown>> {
  const caller = c.get('caller')
  const { fileId = c.req.param('file_id'), containerId = c.req.param('container_id') } = exchange
  return {
    request_id: exchange.requestId,
    method: exchange.method,
    route,
    status: exchange.status,
    bytes: exchange.bytes,
    ms: rounded(now - exchange.startedAt),
    ttfb_ms: rounded(exchange.firstByteAt - exchange.startedAt),
    owner: knowsCallers && caller === anyone ? undefined : caller.owner || caller.key,
    // A client can send any text as an id. It is logged only if it has the form of an id.
    file_id: isFileId(fileId) || isContainerFileId(fileId) ? fileId : undefined,
    container_id: isContainerId(containerId) ? containerId : undefined,
    upstream: exchange.upstream,
    from: exchange.from,
    code: exchange.code,
    outcome: exchange.outcome,
    aborted: exchange.outcome === 'client_left',
  }
}

/** Milliseconds with one decimal. */
function rounded(ms: number): number {
  return Math.round(ms * 10) / 10
}

/** Returns the pattern of the route, such as `/files/{file_id}`; `*` for unknown paths. */
function routeOf(c: RouteContext, { pattern }: Exchange): string {
  const route = pattern === undefined ? longestPattern(c) : baseRouteOf(c) + pattern
  return (
    route
      .replace(/:(\w+)(?:\{[^}]*\})?/g, '{$1}')
      .replace(/\/path\/\*$/, '/path/{path}')
      .replace(/^\/\*$/, '*')
      // Every route is served with and without a trailing slash.
      .replace(/(?<=.)\/$/, '')
  )
}

/** Returns the longest pattern that matched. Patterns of middleware, such as `/healthz/*`, count only if there is no other. */
function longestPattern(c: RouteContext): string {
  const paths = c.req.matchedRoutes.map(({ path }) => path)
  const own = paths.filter((path) => !path.endsWith('*') || path.endsWith('/path/*'))
  return (own.length > 0 ? own : paths).reduce(
    (longest, path) => (path.length > longest.length ? path : longest),
    '*',
  )
}
