/**
 * Traces (W3C Trace Context), and OpenTelemetry spans for host apps that register OpenTelemetry. Its API is read from the
 * global registry, so nothing is loaded in other apps.
 *
 * @see https://github.com/open-telemetry/opentelemetry-js/tree/main/api
 * @module
 */

/** Immutable values of a piece of work, including its span. */
interface TelemetryContext {
  getValue(key: symbol): unknown
  setValue(key: symbol, value: unknown): TelemetryContext
  deleteValue(key: symbol): TelemetryContext
}

type Attributes = Readonly<Record<string, string | number>>

/** A span. */
interface Span {
  setAttribute(name: string, value: string | number): unknown
  setStatus(status: { readonly code: number }): unknown
  updateName(name: string): unknown
  end(): void
}

/** The parts of `@opentelemetry/api` 1.x that are used, under its names. */
export interface TelemetryApi {
  readonly trace?: {
    getTracer(
      name: string,
      version?: string,
    ): {
      startSpan(
        name: string,
        options: { readonly kind: number; readonly attributes: Attributes },
        context: TelemetryContext,
      ): Span
    }
  }
  readonly context?: {
    active(): TelemetryContext
    with<T>(context: TelemetryContext, work: () => T): T
  }
  readonly propagation?: {
    extract(
      context: TelemetryContext,
      carrier: Headers,
      getter: { get(carrier: Headers, name: string): string | undefined; keys(): string[] },
    ): TelemetryContext
    inject(
      context: TelemetryContext,
      carrier: Record<string, string>,
      setter: { set(carrier: Record<string, string>, name: string, value: string): void },
    ): void
  }
}

/** The key of the API in `globalThis`. */
export const telemetryKey: unique symbol = Symbol.for('opentelemetry.js.api.1') as never

/** A span and the context in which it is active. */
export interface StartedSpan {
  readonly span: Span
  readonly context: TelemetryContext
}

// The key that `createContextKey('OpenTelemetry Context Key SPAN')` creates.
const spanKey = Symbol.for('OpenTelemetry Context Key SPAN')
const serverKind = 1
const clientKind = 2
const errorStatus = { code: 2 }

/**
 * Starts the span of a request. Its parent is the active span, else the one in `traceparent`.
 *
 * @param api OpenTelemetry of the host app
 * @param version of cfile, as the version of the tracer
 * @param method of the request, as the span's name until the route is known
 * @param headers of the request; may contain `traceparent`
 * @returns `undefined` if the host app records no spans
 */
export function startServerSpan(
  api: TelemetryApi,
  version: string,
  method: string,
  headers: Headers,
): StartedSpan | undefined {
  const active = api.context?.active() ?? emptyContext()
  const parent =
    active.getValue(spanKey) === undefined
      ? (api.propagation?.extract(active, headers, getter) ?? active)
      : active
  return startSpan(api, version, method, serverKind, { 'http.request.method': method }, parent)
}

/**
 * Starts the span of a request to an upstream, and adds the trace headers.
 *
 * @param api OpenTelemetry of the host app
 * @param version of cfile, as the version of the tracer
 * @param headers of the request; gets the trace headers
 * @param parent context of the client's request
 * @param call method of the request and host of the upstream
 * @returns `undefined` if the host app records no spans
 */
export function startClientSpan(
  api: TelemetryApi,
  version: string,
  { method, host }: { readonly method: string; readonly host: string },
  headers: Record<string, string>,
  parent?: TelemetryContext,
): StartedSpan | undefined {
  const attributes = { 'http.request.method': method, 'server.address': host }
  const active = api.context?.active()
  const isInSpan = active?.getValue(spanKey) !== undefined
  const context = (isInSpan ? active : (parent ?? active)) ?? emptyContext()
  const started = startSpan(api, version, method, clientKind, attributes, context)
  if (started !== undefined) api.propagation?.inject(started.context, headers, setter)
  return started
}

function startSpan(
  { trace }: TelemetryApi,
  version: string,
  name: string,
  kind: number,
  attributes: Attributes,
  parent: TelemetryContext,
): StartedSpan | undefined {
  const span = trace?.getTracer('cfile', version).startSpan(name, { kind, attributes }, parent)
  return span && { span, context: parent.setValue(spanKey, span) }
}

/**
 * Ends a span.
 *
 * @param started the span
 * @param status of the answer; `undefined` without an answer
 * @param isError whether the span gets the status `Error`: for a server span 5xx only, as OpenTelemetry's
 *   conventions for HTTP say
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status
 */
export function endSpan({ span }: StartedSpan, status: number | undefined, isError: boolean): void {
  if (status !== undefined) span.setAttribute('http.response.status_code', status)
  if (isError) span.setStatus(errorStatus)
  span.end()
}

const getter = {
  get: (headers: Headers, name: string) => headers.get(name) ?? undefined,
  keys: () => [],
}

const setter = {
  set(headers: Record<string, string>, name: string, value: string) {
    headers[name.toLowerCase()] = value
  },
}

/** The context of hosts that registered none. */
function emptyContext(values: ReadonlyMap<symbol, unknown> = new Map()): TelemetryContext {
  return {
    getValue: (key) => values.get(key),
    setValue: (key, value) => emptyContext(new Map(values).set(key, value)),
    deleteValue(key) {
      const rest = new Map(values)
      rest.delete(key)
      return emptyContext(rest)
    },
  }
}

/** The trace of one request. */
interface RequestTrace {
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

/**
 * The trace headers of a request; `undefined` if it belongs to no trace.
 *
 * @param headers of the caller's request; values are passed on without being parsed
 */
export function traceHeaders(headers: Headers): Readonly<Record<string, string>> | undefined {
  if (!headers.has('traceparent')) return undefined
  const found: Record<string, string> = {}
  for (const name of names) {
    const value = headers.get(name)
    if (value !== null) found[name] = value
  }
  return found
}
