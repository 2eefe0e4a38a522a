/**
 * Creates the Hono app: mounts all routes on the gateway that the options describe. Background work runs after requests
 * and in the `schedule` of the host.
 *
 * @module
 */

import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { archiveStatus } from './gateway/archive/find.ts'
import { keepUpArchive, startCopies, stopCopies } from './gateway/archive/queue.ts'
import { resumeWebhooks } from './gateway/capture/webhook.ts'
import { removeOrphans } from './gateway/containers/replacement.ts'
import type { Gateway } from './gateway/gateway.ts'
import { createGateway } from './library/create-gateway.ts'
import type { AppOptions } from './options.ts'
import { captureRoutes } from './routes/captures.ts'
import { containerRoutes } from './routes/containers.ts'
import { answerRoot, docsRoutes, openapiRoutes } from './routes/docs.ts'
import { fileRoutes } from './routes/files.ts'
import { grantRoutes, linkRoutes } from './routes/links.ts'
import { answerFailure, answerWithError } from './routes/middleware/error-answer.ts'
import { type Family, finishHead, openFamily } from './routes/middleware/family.ts'
import { countOrigins, type Observation, observeFamily } from './routes/middleware/observe.ts'
import { datedRoutes, openaiRoutes } from './routes/openai.ts'
import { ownerRoutes } from './routes/owners.ts'
import { nothingServed, type RouteContext, type RouteEnv, wrongMethod } from './routes/request.ts'
import { healthRoutes, metricsRoutes, readyRoutes } from './routes/status.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { webRuntime } from './runtime.ts'

/**
 * Creates the app. It can be served alone or mounted in another app at any path.
 *
 * @example
 * const app = createApp({ upstreams: [{ endpoint: 'https://my.openai.azure.com', credential: apiKey(key) }] })
 * @throws CfileError `invalid_request` for options that are wrong or contradict each other
 */
export function createApp(options: AppOptions): Hono {
  const gateway = createGateway(options)
  if (options.publicUrl === undefined) gateway.log('warn', noPublicUrl(gateway))
  const { archiving } = gateway
  if (archiving !== undefined) archiving.state.start = () => startCopies(gateway, archiving)
  options.schedule?.({
    isNeeded: needsUpkeep(gateway),
    check: () => checkArchive(gateway),
    run: () => doUpkeep(gateway),
    stop: () => stopWork(gateway),
  })
  const observation: Observation = {
    accessLog: options.accessLog ?? true,
    telemetry: options.telemetry ?? webRuntime.telemetry,
    createId: () => crypto.randomUUID(),
  }
  // Requests trigger the upkeep too, since a mounted app and a Worker without a cron trigger have no other trigger.
  const upkeep = needsUpkeep(gateway) ? () => doUpkeep(gateway) : undefined
  const familyOptions = { ...options, observation, upkeep }
  const app = new Hono()
  // The path of the public URL comes first, since it may begin like one of the routes.
  const bases = new Set([new URL(gateway.links.publicUrl).pathname, '/'])
  for (const base of bases) {
    for (const family of families(gateway, options)) {
      app.route(join(base, family.base), openFamily(gateway, family, familyOptions))
    }
  }
  // Not set for each family, since Hono wraps every handler of an app that has an error handler of its own.
  app.onError((error, c: Context) => answerFailure(gateway.log, c, error))
  countOrigins(gateway)
  const outside = outsideRoutes(gateway, observation, { bases, headers: options.headers })
  // Used only if the app is served alone. A host app handles its root and unknown paths itself.
  app.notFound((c) => outside.fetch(c.req.raw, c.env))
  return app
}

/** Creates the app that answers at the root and at unknown paths. */
function outsideRoutes(
  gateway: Gateway,
  observation: Observation,
  {
    bases,
    headers,
  }: { readonly bases: ReadonlySet<string>; readonly headers: AppOptions['headers'] },
): Hono<RouteEnv> {
  const observer = observeFamily(gateway, observation, 'root')
  return new Hono<RouteEnv>().all('*', async (c) => {
    await observer.run(c, async () => {
      c.res = await answerOutside(gateway, c, bases.has(c.req.path))
    })
    await finishHead(c, observer, headers)
    return c.res
  })
}

/** Answers the root with name and version, and all other paths with an error. */
async function answerOutside(
  gateway: Gateway,
  c: RouteContext,
  isRoot: boolean,
): Promise<Response> {
  const requestId = c.get('requestId')
  const { method } = c.req
  if (isRoot && /^(?:GET|HEAD)$/.test(method)) return answerRoot(c, gateway, requestId)
  const error = isRoot ? wrongMethod(method, 'GET, HEAD') : nothingServed(gateway.links.publicUrl)
  return answerWithError(c, error)
}

/** Closes idle WebSockets and aborts the copies under way, on shutdown. */
async function stopWork(gateway: Gateway): Promise<void> {
  for (const socket of gateway.sockets.open)
    socket.end({ code: 1001, reason: 'The server shuts down.' })
  await stopCopies(gateway)
}

/** The warning for an app without a public URL. */
function noPublicUrl({ links: { publicUrl } }: Gateway): string {
  return `CFILE_PUBLIC_URL (the option publicUrl) is not set, so links lead to ${publicUrl}: set it to the URL by which clients reach this app.`
}

/** Tries the archive, so that its problems are logged at the start. */
async function checkArchive(gateway: Gateway): Promise<void> {
  await archiveStatus(gateway, new AbortController().signal)
}

/** Whether there can be work between requests. */
function needsUpkeep({ archiving, webhooks, containers }: Gateway): boolean {
  return archiving !== undefined || webhooks !== undefined || containers.heal
}

/** Runs all work that is due between requests. Never throws. */
async function doUpkeep(gateway: Gateway): Promise<void> {
  await Promise.all([keepUpArchive(gateway), resumeWebhooks(gateway), removeOrphans(gateway)])
}

/** All families of routes. The order decides between base paths that overlap. */
function families(
  gateway: Gateway,
  { answerDocs }: Pick<AppOptions, 'answerDocs'>,
): readonly Family[] {
  // In answers of the OpenAI API, x-request-id is the upstream's id.
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
    { base: '/docs', routes: docsRoutes(answerDocs), access: 'open' },
  ]
}

/** Joins a base path and a path, so that links work with and without the path of the public URL. */
function join(base: string, path: string): string {
  return base.replace(/\/$/, '') + path
}
