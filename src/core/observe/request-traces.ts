/**
 * Assigns requests to traces (W3C Trace Context), so that calls to upstreams belong to the trace of their request. A
 * request is identified by its abort signal, which every such call gets.
 *
 * @see https://www.w3.org/TR/trace-context/
 * @module
 */

import type { TelemetryContext } from './telemetry.ts'

/** The trace of one request. */
export interface RequestTrace {
  /** `traceparent` and `tracestate`, unchanged. */
  readonly headers: Readonly<Record<string, string>>
  /** The context of the request's span, if the host app records spans. */
  readonly context?: TelemetryContext
}

/** The traces of the current requests. */
export interface RequestTraces {
  begin(signal: AbortSignal, trace: RequestTrace): void
  of(signal: AbortSignal | undefined): RequestTrace | undefined
  /** Creates a signal that fires with either of two. Calls with it belong to the trace of the first. */
  either(signal: AbortSignal, other: AbortSignal): AbortSignal
  /** Creates a signal that never fires, for work that outlives its request. Calls with it belong to the same trace. */
  detach(signal: AbortSignal): AbortSignal
}

/** Creates an empty collection. */
export function createRequestTraces(): RequestTraces {
  const traces = new WeakMap<AbortSignal, RequestTrace>()
  function follow(signal: AbortSignal, derived: AbortSignal): AbortSignal {
    const trace = traces.get(signal)
    if (trace !== undefined) traces.set(derived, trace)
    return derived
  }

  return {
    begin: (signal, trace) => void traces.set(signal, trace),
    of: (signal) => signal && traces.get(signal),
    either: (signal, other) => follow(signal, AbortSignal.any([signal, other])),
    detach: (signal) => follow(signal, new AbortController().signal),
  }
}

const names = ['traceparent', 'tracestate'] as const

/** The trace headers of a request; `undefined` if it belongs to no trace. */
export function traceHeaders(headers: Headers): Readonly<Record<string, string>> | undefined {
  if (!headers.has('traceparent')) return undefined
  const found: Record<string, string> = {}
  for (const name of names) {
    const value = headers.get(name)
    if (value !== null) found[name] = value
  }
  return found
}
