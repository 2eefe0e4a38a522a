/**
 * Which trace a request belongs to (W3C Trace Context), so that the calls to upstreams that it leads to belong there too.
 * A request is known by its signal, which goes along to each of these calls.
 *
 * @see https://www.w3.org/TR/trace-context/
 * @module
 */

import type { TelemetryContext } from './telemetry.ts'

/** The trace of one request. */
export interface RequestTrace {
  /** `traceparent` and `tracestate`, as they came. */
  readonly headers: Readonly<Record<string, string>>
  /** Of the request's span, where the host app records spans. */
  readonly context?: TelemetryContext
}

/** The traces of the requests under way. */
export interface RequestTraces {
  begin(signal: AbortSignal, trace: RequestTrace): void
  of(signal: AbortSignal | undefined): RequestTrace | undefined
  /** A signal that fires with either one; calls with it belong to the trace of the first. */
  either(signal: AbortSignal, other: AbortSignal): AbortSignal
  /** A signal that never fires, for work that outlives its request; calls with it belong to the same trace. */
  detach(signal: AbortSignal): AbortSignal
}

/** Starts with none. */
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

/** The headers of a request that name its trace; `undefined` where it belongs to none. */
export function traceHeaders(headers: Headers): Readonly<Record<string, string>> | undefined {
  if (!headers.has('traceparent')) return undefined
  const found: Record<string, string> = {}
  for (const name of names) {
    const value = headers.get(name)
    if (value !== null) found[name] = value
  }
  return found
}
