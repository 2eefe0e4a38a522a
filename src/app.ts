/**
 * The hall: mounts the routes on what the options bring.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import { parseEndpoint } from './azure/endpoint.ts'
import { CfileError } from './core/errors.ts'
import type { SigningKey } from './core/links/keys.ts'
import { createSigner, parseLinkBase } from './core/links/signer.ts'
import { createMetrics } from './core/metrics.ts'
import { createRequestTraces } from './core/observe/request-traces.ts'
import { archiveStatus } from './gateway/archive/find.ts'
import { startCopies, stopCopies } from './gateway/archive/queue.ts'
import { type Archiving, startArchiving } from './gateway/archive/state.ts'
import { sweep } from './gateway/archive/upkeep.ts'
import { createBalance } from './gateway/balance.ts'
import { openWebhooks, resumeWebhooks } from './gateway/capture/webhook.ts'
import { removeOrphans } from './gateway/containers/replacement.ts'
import type { Gateway, Log, Upstream } from './gateway/gateway.ts'
import { createLimits } from './gateway/limits.ts'
import { guardStore } from './gateway/owners/guarded-store.ts'
import { observeUpstream, type UpstreamObservation } from './gateway/upstreams/observe-upstream.ts'
import { createAzureClient } from './library/azure-client.ts'
import type { AppOptions, UpstreamOptions } from './options.ts'
import { type Access, admit } from './routes/access.ts'
import { captureRoutes } from './routes/captures.ts'
import { containerRoutes } from './routes/containers.ts'
import { allowOrigins } from './routes/cors.ts'
import { answerRoot, docsRoutes, openapiRoutes } from './routes/docs.ts'
import { answerFailure, answerWithError } from './routes/error-answer.ts'
import { fileRoutes } from './routes/files.ts'
import { healthRoutes, readyRoutes } from './routes/health.ts'
import { hostRequest } from './routes/host-request.ts'
import { grantRoutes, linkRoutes } from './routes/links.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { countOrigins, type Observation, type Observer, observeFamily } from './routes/observe.ts'
import { datedRoutes, openaiRoutes } from './routes/openai.ts'
import { ownerRoutes } from './routes/owners.ts'
import {
  methodNotAllowed,
  nothingServed,
  type RouteContext,
  type RouteEnv,
  wrongMethod,
} from './routes/request.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { type Runtime, webRuntime } from './runtime.ts'
import { memoryStore } from './stores/memory.ts'

/**
 * Makes the app, to be served alone or mounted in another one at any path.
 *
 * @example
 * const app = createApp({ upstreams: [{ endpoint: 'https://my.openai.azure.com', credential: apiKey(key) }] })
 * @throws CfileError `invalid_request` for options that can't work
 */
export function createApp(options: AppOptions): Hono {
  const gateway = createGateway(options)
  if (options.publicUrl === undefined) gateway.log('warn', noPublicUrl(gateway))
  const { archiving, webhooks } = gateway
  if (archiving !== undefined) archiving.state.start = () => startCopies(gateway, archiving)
  options.schedule?.({
    isNeeded: archiving !== undefined || webhooks !== undefined || gateway.heal,
    check: () => checkArchive(gateway),
    sweep: () => doUpkeep(gateway),
    stop: () => stopWork(gateway),
  })
  const observation: Observation = {
    accessLog: options.accessLog ?? true,
    telemetry: options.telemetry ?? webRuntime.telemetry,
    createId: () => crypto.randomUUID(),
  }
  const app = new Hono<RouteEnv>()
  // The public URL's path first: it may have the name of a route of ours.
  const bases = new Set([new URL(gateway.publicUrl).pathname, '/'])
  for (const base of bases) {
    for (const family of families(gateway)) {
      app.route(join(base, family.base), openFamily(gateway, family, { ...options, observation }))
    }
  }
  // Heeded only where the app is served alone: mounted in another, its root and what is unknown are the other's.
  const observer = observeFamily(gateway, observation, 'root')
  countOrigins(gateway)
  app.notFound(async (c) => {
    await observer.run(c, async () => {
      c.res = await answerOutside(gateway, c, bases.has(c.req.path))
    })
    await finishHead(c, observer, options.headers)
    return c.res
  })
  return app as unknown as Hono
}

/** Answers at the root, and where no route is. */
async function answerOutside(
  { publicUrl }: Gateway,
  c: RouteContext,
  isRoot: boolean,
): Promise<Response> {
  const requestId = c.get('requestId')
  const { method } = c.req
  if (isRoot && /^(?:GET|HEAD)$/.test(method)) return answerRoot(c, publicUrl, requestId)
  const error = isRoot ? wrongMethod(method, 'GET, HEAD') : nothingServed(publicUrl)
  return answerWithError(c, error)
}

async function stopWork(gateway: Gateway): Promise<void> {
  for (const socket of gateway.sockets) socket.end({ code: 1001, reason: 'The server shuts down.' })
  await stopCopies(gateway)
}

function noPublicUrl({ publicUrl }: Gateway): string {
  return `CFILE_PUBLIC_URL (the option publicUrl) is not set, so links lead to ${publicUrl}: set it to the URL by which clients reach this app.`
}

async function checkArchive(gateway: Gateway): Promise<void> {
  await archiveStatus(gateway, new AbortController().signal)
}

/** Never throws. */
async function doUpkeep(gateway: Gateway): Promise<void> {
  await Promise.all([sweep(gateway), resumeWebhooks(gateway), removeOrphans(gateway)])
}

interface Family {
  readonly base: string
  readonly routes: Hono<RouteEnv>
  readonly access: Access
  /** Whether pages of other origins may be allowed to ask. @default false */
  readonly isCrossOrigin?: true
  /** Whether every GET may carry the bytes of files, and people may follow links here. @default false */
  readonly servesFiles?: boolean
  /** Where the answer has cfile's own id of the request. @default 'x-request-id' */
  readonly idHeader?: string
}

function families(gateway: Gateway): readonly Family[] {
  // There, x-request-id is the upstream's own.
  const idHeader = 'x-cfile-request-id'
  const isCrossOrigin = true
  const servesFiles = true
  const v1 = (base: string): Family => ({
    base,
    routes: openaiRoutes(gateway),
    access: 'caller',
    idHeader,
    isCrossOrigin,
  })
  return [
    { base: '/s', routes: grantRoutes(gateway), access: 'link', servesFiles, isCrossOrigin },
    { base: '/files', routes: fileRoutes(gateway), access: 'caller', servesFiles, isCrossOrigin },
    {
      base: '/containers',
      routes: containerRoutes(gateway),
      access: 'caller',
      servesFiles,
      isCrossOrigin,
    },
    { base: '/owners', routes: ownerRoutes(gateway), access: 'caller' },
    { base: '/captures', routes: captureRoutes(gateway), access: 'caller', isCrossOrigin },
    { base: '/webhooks', routes: webhookRoutes(gateway), access: 'open' },
    { base: '/links', routes: linkRoutes(gateway), access: 'caller', isCrossOrigin },
    ...['/openai/v1', '/v1', '/api/projects/:project/openai/v1'].map(v1),
    { base: '/openai', routes: datedRoutes(gateway), access: 'caller', idHeader, isCrossOrigin },
    { base: '/healthz', routes: healthRoutes(), access: 'open' },
    { base: '/readyz', routes: readyRoutes(gateway), access: 'open' },
    { base: '/metrics', routes: metricsRoutes(gateway), access: 'open' },
    { base: '/openapi.json', routes: openapiRoutes(), access: 'open' },
    { base: '/docs', routes: docsRoutes(), access: 'open' },
  ]
}

/** Links with and without the path of the public URL lead to the same. */
function join(base: string, path: string): string {
  return base.replace(/\/$/, '') + path
}

/** Wraps one family of routes; each has a wrap of its own, so that a host app's other routes are left alone. */
function openFamily(
  gateway: Gateway,
  { base, routes, access, servesFiles, isCrossOrigin, idHeader }: Family,
  {
    headers,
    authenticate,
    corsOrigins = [],
    observation,
  }: AppOptions & { observation: Observation },
): Hono<RouteEnv> {
  const family = new Hono<RouteEnv>()
  const [name = ''] = base
    .replace(/^\/api\/projects\/[^/]+/, '')
    .split('/')
    .filter(Boolean)
  if (isCrossOrigin && corsOrigins.length > 0) family.use(allowOrigins(corsOrigins))
  const observer = observeFamily(gateway, observation, name)
  family.use(async (c, next) => {
    c.req.raw = hostRequest(c.req.raw, gateway)
    await observer.run(c, async () => {
      try {
        await next()
      } catch (reason) {
        // Hono gives onError nothing but an Error, and a signal's reason may be anything: on Node it is a string.
        c.res = await answerFailure(gateway.log, c, reason, servesFiles)
      }
    })
    // Mounted in another app, or on a Worker without a cron trigger, requests are the only clock.
    gateway.waitUntil(doUpkeep(gateway))
    await finishHead(c, observer, headers, idHeader)
  })
  family.use(admit(gateway, { access, servesFiles, authenticate }))
  family.onError((error, c) => answerFailure(gateway.log, c, error, servesFiles))
  family.route('/', routes)
  if (access === 'open' && base !== '/webhooks') family.all('/', methodNotAllowed('GET, HEAD'))
  family.all('*', () => {
    throw nothingServed(gateway.publicUrl)
  })
  return family
}

/** Adds the headers that every answer has. */
async function finishHead(
  c: RouteContext,
  observer: Observer,
  headers: AppOptions['headers'] = {},
  idHeader = 'x-request-id',
): Promise<void> {
  // Not by c.header, which makes another answer of one that is there.
  c.res.headers.set(idHeader, c.get('requestId'))
  for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value)
  await observer.settle(c)
}

function createGateway(options: AppOptions): Gateway {
  const runtime: Runtime = { ...webRuntime, ...options }
  const metrics = createMetrics()
  const traces = createRequestTraces()
  const observation = { metrics, traces, telemetry: runtime.telemetry }
  const upstreams = (options.upstreams ?? []).map((upstream) =>
    createUpstream(options, runtime, observation, upstream),
  )
  const [first, ...others] = upstreams
  if (first === undefined) {
    throw new CfileError('invalid_request', 'There is no upstream; set AZURE_OPENAI_ENDPOINT.', {
      param: 'AZURE_OPENAI_ENDPOINT',
    })
  }
  const { now, clock, wait, random, waitUntil, createHmac, carrier, fixedLength } = runtime
  const { idleTimeoutMs = 60_000 } = options
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
    now,
    clock,
    wait,
    random,
    newToken: () => `cfile-${crypto.randomUUID()}`,
    waitUntil,
    log: options.log ?? silence,
    metrics,
    traces,
    knowsCallers: options.authenticate !== undefined,
    captures: options.captures ?? 'any',
    trustUnrecorded: options.trustUnrecorded ?? false,
    limits: createLimits({ ...options, now, wait, idleTimeoutMs, fixedLength }),
    signer: createSigner(options.signingKeys ?? [newSigningKey()], createHmac),
    linkTtl: options.linkTtl ?? 3600,
    publicUrl: parseLinkBase(options.publicUrl ?? 'http://127.0.0.1:8787'),
    links: options.links ?? 'annotate',
    sweep: options.sweep ?? false,
    heal: options.heal ?? false,
    replacing: { dueAt: 0 },
    inlineImages: options.inlineImages ?? 'keep',
    sockets: new Set(),
    isClosing: options.isClosing ?? (() => false),
    maxFileBytes: options.maxFileBytes ?? 1024 ** 3,
    maxBodyBytes: options.maxBodyBytes ?? 64 * 1024 ** 2,
    generationTimeoutMs: options.generationTimeoutMs ?? 600_000,
    idleTimeoutMs,
    streamIdleTimeoutMs: options.streamIdleTimeoutMs ?? 600_000,
    carrier,
  }
}

const silence: Log = Object.assign(() => {}, { writes: () => false })

function createUpstream(
  { upstreamTimeoutMs: timeoutMs, idleTimeoutMs: idleMs, retry }: AppOptions,
  runtime: Runtime,
  observation: UpstreamObservation,
  { name = 'default', models, weight = 1, isEmulator = false, ...upstream }: UpstreamOptions,
): Upstream {
  const { endpoint: given, credential, fetch = runtime.fetch, connect = runtime.connect } = upstream
  const endpoint = typeof given === 'string' ? parseEndpoint(given) : given
  const observe = observeUpstream(observation, { name, host: new URL(endpoint.origin).host })
  const onRetry = () => observation.metrics.add('cfile_upstream_retries_total')
  const limits = { timeoutMs, idleMs, followsUploads: runtime.fixedLength === undefined, retry }
  const own = { ...runtime, endpoint, credential, ...limits, fetch, connect, observe, onRetry }
  return { name, models, weight, isEmulator, client: createAzureClient(own) }
}

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

function newSigningKey(): SigningKey {
  return { kid: 'own', secret: crypto.getRandomValues(new Uint8Array(32)) }
}
