/** Spans and traces with the real packages of OpenTelemetry, as a host app registers them. */

import {
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { serve } from '../../src/node.ts'
import { patient } from '../lib/child.ts'
import { type CitedFile, citedFiles, json, openHarness, responseRequest } from '../lib/harness.ts'
import { serveApp } from '../lib/served.ts'

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
const caller = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }
const traceparent = `00-${caller.traceId}-${caller.spanId}-01`

beforeAll(() => provider.register())
beforeEach(() => exporter.reset())
afterAll(async () => {
  await provider.shutdown()
  trace.disable()
  context.disable()
  propagation.disable()
})

/** The spans of one kind that have ended, when there are so many. */
async function spansOf(kind: SpanKind, count: number): Promise<readonly ReadableSpan[]> {
  const found = () => exporter.getFinishedSpans().filter((span) => span.kind === kind)
  await expect.poll(() => found().length, patient).toBe(count)
  return found()
}

/** A server before an upstream over real sockets, and the `traceparent` of each call that reached the upstream. */
async function open(): Promise<{ readonly url: string; readonly seen: (string | null)[] }> {
  const seen: (string | null)[] = []
  const emulator = createEmulator()
  const azure = await serveApp({
    fetch(request: Request) {
      seen.push(request.headers.get('traceparent'))
      return emulator.fetch(request)
    },
  })
  const server = await serve({
    PORT: '0',
    AZURE_OPENAI_ENDPOINT: azure.url,
    AZURE_OPENAI_API_KEY: 'any',
    CFILE_STORE: 'memory:',
    LOG_LEVEL: 'silent',
  })
  onTestFinished(async () => {
    await server.close()
    await azure.close()
  })
  return { url: server.url, seen }
}

async function respond(url: string): Promise<CitedFile> {
  const answer = await fetch(`${url}/openai/v1/responses`, json(responseRequest('Save a CSV')))
  const [file] = citedFiles(await answer.json())
  if (file === undefined) throw new Error('Nothing was cited.')
  return file
}

describe('with OpenTelemetry registered', () => {
  it('each request is a server span below that of its caller, and each upstream call a client span below it', async () => {
    const { url, seen } = await open()
    const { file_id: id } = await respond(url)
    await spansOf(SpanKind.SERVER, 1)
    exporter.reset()
    seen.length = 0
    await (await fetch(`${url}/files/${id}`, { headers: { traceparent } })).arrayBuffer()

    const [server] = await spansOf(SpanKind.SERVER, 1)
    expect(server).toMatchObject({
      name: 'GET /files/{file_id}',
      parentSpanContext: caller,
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/files/{file_id}',
        'http.response.status_code': 200,
      },
      status: { code: SpanStatusCode.UNSET },
      instrumentationScope: { name: 'cfile' },
    })
    const clients = await spansOf(SpanKind.CLIENT, seen.length)
    expect(clients.length).toBeGreaterThan(0)
    for (const span of clients) {
      expect(span.spanContext().traceId).toBe(caller.traceId)
      expect(span.parentSpanContext?.spanId).toBe(server?.spanContext().spanId)
      expect(span.attributes).toMatchObject({
        'server.address': expect.stringMatching(/^127\.0\.0\.1/),
      })
    }
    // The upstream sees the client span as its caller.
    const named = clients.map((span) => `00-${caller.traceId}-${span.spanContext().spanId}-01`)
    expect([...seen].sort()).toEqual(named.sort())
  })

  it('a request without a trace begins one, and two requests have two', async () => {
    const { url } = await open()
    await Promise.all([fetch(`${url}/healthz`), fetch(`${url}/healthz`)])
    const spans = await spansOf(SpanKind.SERVER, 2)
    expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(2)
    for (const span of spans) expect(span.parentSpanContext).toBeUndefined()
  })

  it('a failure marks the spans, and a 404 does not', async () => {
    const { ask, fault } = openHarness()
    await ask('/files/cfile_0000')
    const [missing] = await spansOf(SpanKind.SERVER, 1)
    expect(missing?.status.code).toBe(SpanStatusCode.UNSET)
    exporter.reset()
    await fault({ kind: 'server_error', times: 10 })
    const answer = await ask('/containers/cntr_1/files/cfile_1')
    expect(answer.status).toBe(502)
    const [failed] = await spansOf(SpanKind.SERVER, 1)
    expect(failed?.status.code).toBe(SpanStatusCode.ERROR)
    const clients = exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.CLIENT)
    expect(clients.map(({ status }) => status.code)).toContain(SpanStatusCode.ERROR)
  })

  it('the span of a host app is the parent, whatever the request says', async () => {
    const { app } = openHarness()
    const tracer = trace.getTracer('host')
    await tracer.startActiveSpan('host', async (host: Span) => {
      await app.request('/healthz', { headers: { traceparent } })
      const [server] = await spansOf(SpanKind.SERVER, 1)
      expect(server?.parentSpanContext?.spanId).toBe(host.spanContext().spanId)
      host.end()
    })
  })

  it('no span names an id, a query, a name or a key', async () => {
    const { url } = await open()
    const { file_id: id } = await respond(url)
    await (
      await fetch(`${url}/files/${id}?filename=HUSH`, { headers: { authorization: 'HUSH' } })
    ).arrayBuffer()
    await spansOf(SpanKind.SERVER, 2)
    const told = exporter.getFinishedSpans().map(({ name, attributes }) => ({ name, attributes }))
    expect(JSON.stringify(told)).not.toMatch(new RegExp(`HUSH|${id}|sales\\.csv|cntr_`))
  })
})
