/**
 * Turns the options of `createApp` into the gateway that the routes use.
 *
 * @module
 */

import { parseEndpoint } from '../azure/endpoint.ts'
import { CfileError } from '../core/errors.ts'
import type { SigningKey } from '../core/links/keys.ts'
import { createSigner, parseLinkBase } from '../core/links/signer.ts'
import { createMetrics } from '../core/observe/metrics.ts'
import { createRequestTraces } from '../core/observe/telemetry.ts'
import { type Archiving, startArchiving } from '../gateway/archive/state.ts'
import { createBalance } from '../gateway/balance.ts'
import { openWebhooks } from '../gateway/capture/webhook.ts'
import type { Gateway, Log, Upstream } from '../gateway/gateway.ts'
import { createLimits } from '../gateway/limits.ts'
import { guardStore } from '../gateway/owners/guarded-store.ts'
import { observeUpstream, type UpstreamObservation } from '../gateway/upstreams/observe-upstream.ts'
import type { AppOptions, UpstreamOptions } from '../options.ts'
import { type Runtime, webRuntime } from '../runtime.ts'
import { memoryStore } from '../stores/memory.ts'
import { createAzureClient } from './azure-client.ts'

/**
 * Creates the gateway from the options of the app.
 *
 * @param options of the app; their defaults are set here
 * @throws CfileError `invalid_request` without an upstream, and for a public URL or an endpoint that does not parse
 */
export function createGateway(options: AppOptions): Gateway {
  const runtime: Runtime = { ...webRuntime, ...options }
  const metrics = createMetrics()
  const observed = { metrics, traces: createRequestTraces(), telemetry: runtime.telemetry }
  const upstreams = (options.upstreams ?? []).map((upstream) =>
    createUpstream(options, runtime, observed, upstream),
  )
  const [first, ...others] = upstreams
  if (first === undefined) {
    throw new CfileError('invalid_request', 'There is no upstream; set AZURE_OPENAI_ENDPOINT.', {
      param: 'AZURE_OPENAI_ENDPOINT',
    })
  }
  const { now, clock, wait, random, waitUntil, createHmac } = runtime
  const { idleTimeoutMs = 60_000 } = options
  const carrier = runtime.createCarrier({ wait, idleMs: idleTimeoutMs })
  const archiving = archivingOf(options, now)
  if (archiving !== undefined) {
    const { waiting, running } = archiving.state
    metrics.readFrom('cfile_archive_pending', () => waiting.size + running.size)
  }
  return {
    upstreams: [first, ...others],
    balance: createBalance(now),
    store: guardStore(options.store ?? memoryStore({ now }), random),
    archiving,
    webhooks: options.webhooks && openWebhooks(options.webhooks),
    log: options.log ?? silence,
    observed,
    runtime: {
      now,
      clock,
      wait,
      random,
      newToken: () => `cfile-${crypto.randomUUID()}`,
      waitUntil,
      carrier,
    },
    owners: {
      knowsCallers: options.authenticate !== undefined,
      ready: options.authenticate?.ready,
      captures: options.captures ?? 'any',
      trustUnrecorded: options.trustUnrecorded ?? false,
      keys: new Map(),
      limits: createLimits({ ...options, now, carrier }),
    },
    links: {
      signer: createSigner(options.signingKeys ?? [newSigningKey()], createHmac),
      ttl: options.linkTtl ?? 3600,
      publicUrl: parseLinkBase(options.publicUrl ?? 'http://127.0.0.1:8787'),
      mode: options.links ?? 'annotate',
      inlineImages: options.inlineImages ?? 'keep',
    },
    containers: {
      recordsUncited: options.sweep ?? false,
      heal: options.heal ?? false,
      listings: new Map(),
      replacing: { dueAt: 0 },
    },
    bounds: {
      maxFileBytes: options.maxFileBytes ?? 1024 ** 3,
      maxBodyBytes: options.maxBodyBytes ?? 64 * 1024 ** 2,
      generationTimeoutMs: options.generationTimeoutMs ?? 600_000,
      idleTimeoutMs,
      streamIdleTimeoutMs: options.streamIdleTimeoutMs ?? 600_000,
    },
    sockets: {
      open: new Set(),
      isClosing: options.isClosing ?? (() => false),
      origins: options.corsOrigins ?? [],
    },
  }
}

const silence: Log = Object.assign(() => {}, { writes: () => false })

/** Creates an upstream with its client. Its requests are observed under its name. */
function createUpstream(
  { upstreamTimeoutMs: timeoutMs, idleTimeoutMs: idleMs, retry }: AppOptions,
  runtime: Runtime,
  observation: UpstreamObservation,
  { name = 'default', models, weight = 1, isEmulator = false, ...upstream }: UpstreamOptions,
): Upstream {
  const { endpoint: given, credential, fetch = runtime.fetch, connect = runtime.connect } = upstream
  // Callers without types may leave it out.
  const endpoint = typeof given === 'object' ? given : parseEndpoint(given ?? '')
  const observe = observeUpstream(observation, { name, host: new URL(endpoint.origin).host })
  const onRetry = () => observation.metrics.add('cfile_upstream_retries_total')
  const limits = { timeoutMs, idleMs, followsUploads: runtime.fixedLength === undefined, retry }
  const own = { ...runtime, endpoint, credential, ...limits, fetch, connect, observe, onRetry }
  return { name, models, weight, isEmulator, client: createAzureClient(own) }
}

/** Creates the state of the archive; `undefined` without an archive. */
function archivingOf(
  {
    archive,
    archiveMode: mode = 'eager',
    archiveConcurrency: concurrency = 4,
    archiveTtl: ttl = 0,
  }: AppOptions,
  now: () => number,
): Archiving | undefined {
  return archive && startArchiving({ archive, mode, concurrency, ttl }, now)
}

/** Creates the signing key of an app without one. Its links end with this process. */
function newSigningKey(): SigningKey {
  return { kid: 'own', secret: crypto.getRandomValues(new Uint8Array(32)) }
}
