/**
 * Counts and traces the requests to one upstream.
 *
 * @module
 */

import type { ObserveRequest } from '../../azure/request.ts'
import { label, type Metrics } from '../../core/observe/metrics.ts'
import {
  endSpan,
  type RequestTraces,
  startClientSpan,
  type TelemetryApi,
} from '../../core/observe/telemetry.ts'
import { version } from '../../core/observe/version.ts'

/** Options of {@link observeUpstream}. */
export interface UpstreamObservation {
  readonly metrics: Metrics
  readonly traces: RequestTraces
  /** The host app's OpenTelemetry, if it has registered one. */
  readonly telemetry: () => TelemetryApi | undefined
}

/**
 * Creates an observer that counts each request, adds the trace headers of the client's request, and records a span.
 *
 * @param name name of the upstream, for labels
 * @param host host of its endpoint, for spans
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/
 */
export function observeUpstream(
  { metrics, traces, telemetry }: UpstreamObservation,
  { name, host }: { readonly name: string; readonly host: string },
): ObserveRequest {
  // Added at zero, so that a scraper sees the first increase.
  metrics.add('cfile_containers_total', 0, label({ upstream: name }))
  const labels = new Map<number | undefined, string>()
  const labelOf = (status: number | undefined): string => {
    const known = labels.get(status)
    if (known !== undefined) return known
    const made = label({ upstream: name, status: status === undefined ? 'error' : String(status) })
    labels.set(status, made)
    return made
  }
  return ({ method, signal }, headers) => {
    const trace = traces.of(signal)
    if (trace !== undefined) Object.assign(headers, trace.headers)
    const api = telemetry()
    const span = api && startClientSpan(api, version, { method, host }, headers, trace?.context)
    return (status) => {
      metrics.add('cfile_upstream_requests_total', 1, labelOf(status))
      if (span !== undefined) endSpan(span, status, status === undefined || status >= 400)
    }
  }
}
