/**
 * Emulates Azure OpenAI endpoints, including their pitfalls. It imports nothing else of cfile, so it cannot share
 * cfile's mistakes.
 *
 * @module
 */

import { Hono, type MiddlewareHandler } from 'hono'
import { completionRoutes } from './completions.ts'
import { containerRoutes } from './containers.ts'
import { controlRoutes, createClock, createLog, type LogEntry, type RequestLog } from './control.ts'
import { conversationRoutes } from './conversations.ts'
import {
  aborted,
  createFaults,
  type Fault,
  type FaultList,
  faultedResponse,
  meter,
} from './faults.ts'
import { fileRoutes } from './files.ts'
import { azureRefusal, invalidKey, Refusal, resourceNotFound } from './json.ts'
import { playgroundRoutes } from './playground.ts'
import { acceptSocket, responseRoutes } from './responses.ts'
import { webhookRoutes } from './webhooks.ts'
import { createIds, createWorld, type Emulation, type EmulatorEnv, type World } from './world.ts'

/** Options of {@link createEmulator}. */
export interface EmulatorOptions {
  /** The current time in unix seconds. @default the system's clock */
  readonly now?: () => number
  /** The accepted key, as `api-key` or as a bearer token. Other keys get 401. @default all keys are accepted */
  readonly apiKey?: string
  /** Value of `x-ms-region`. @default `West Europe` */
  readonly region?: string
  /** The deployments. Other names get 404. @default every name exists */
  readonly models?: readonly string[]
  /** Pause between the events of a stream, in milliseconds. @default 0 */
  readonly deltaDelayMs?: number
  /** Waits for milliseconds. @default by `setTimeout` */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Sends webhooks. @default the runtime's `fetch` */
  readonly fetch?: typeof fetch
  /** Returns random bytes, for ids. @default by `crypto.getRandomValues` */
  readonly random?: (bytes: number) => Uint8Array
}

/**
 * Creates an emulated Azure OpenAI resource. It serves `/openai/v1`, any project below
 * `/api/projects/{project}/openai/v1`, and `/emulator`, which controls its clock and faults and has a page to try it at
 * `/emulator/playground`.
 *
 * @param options all have defaults, which fit a local server
 */
export function createEmulator(options: EmulatorOptions = {}): Hono {
  const app = new Hono()
  const clock = createClock(options.now ?? (() => Math.floor(Date.now() / 1000)))
  const faults = createFaults()
  const log = createLog()
  const emulation: Emulation = {
    ask: async (request) => app.fetch(request),
    now: clock.now,
    ids: createIds(options.random ?? ((bytes) => crypto.getRandomValues(new Uint8Array(bytes)))),
    wait: options.wait ?? sleep,
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    deltaDelayMs: options.deltaDelayMs ?? 0,
    models: options.models,
  }
  app.onError((error, c) => {
    // A client that aborts a request gets no answer.
    if (c.req.raw.signal?.aborted) throw error
    if (error instanceof Refusal) return error.toResponse()
    return azureRefusal(500, 'InternalServerError', `The emulator failed: ${error}`).toResponse()
  })
  app.route('/emulator/playground', playgroundRoutes(emulation.ids.uuid))
  app.route('/emulator', controlRoutes(clock, faults, log))
  app.route('/', azureRoutes(emulation, createFrontDoor(emulation, faults, log, options)))
  return app
}

/**
 * The routes of Azure: the v1 path, projects, hosted agents, and the dated form.
 *
 * @param frontDoor steps for all requests
 */
function azureRoutes(
  emulation: Emulation,
  frontDoor: MiddlewareHandler<EmulatorEnv>,
): Hono<EmulatorEnv> {
  const v1 = new Hono<EmulatorEnv>()
  v1.use(async (c, next) => {
    if (!/^\d/.test(c.req.query('api-version') ?? '')) return next()
    throw azureRefusal(400, 'BadRequest', 'API version not supported')
  })
  v1.get('/responses', (c, next) =>
    /^websocket$/i.test(c.req.header('upgrade') ?? '')
      ? acceptSocket((request) => emulation.ask(request), c)
      : next(),
  )
  v1.route('/containers', containerRoutes(emulation))
  v1.route('/files', fileRoutes(emulation))
  v1.route('/responses', responseRoutes(emulation))
  v1.route('/conversations', conversationRoutes(emulation))
  v1.route('/dashboard/webhook_endpoints', webhookRoutes(emulation))
  v1.route('/', completionRoutes(emulation))
  const azure = new Hono<EmulatorEnv>()
  azure.use(frontDoor)
  azure.route('/openai/v1', v1)
  azure.route('/api/projects/:project/openai/v1', v1)
  const agent = '/api/projects/:project/agents/:agent/endpoint/protocols/openai'
  azure.route(`${agent}/responses`, responseRoutes(emulation))
  azure.route(`${agent}/conversations`, conversationRoutes(emulation))
  azure.use(async (c, next) => {
    // The dated form serves only the operations that existed before containers.
    if (c.req.query('api-version') === undefined) throw resourceNotFound()
    return next()
  })
  azure.route('/openai/files', fileRoutes(emulation))
  azure.route('/openai/deployments/:deployment', completionRoutes(emulation))
  azure.all('*', () => {
    throw resourceNotFound()
  })
  return azure
}

/**
 * Steps for all requests (log, faults, key), and headers for all answers (Azure's request ids).
 *
 * @param emulation clock, ids and timer
 * @param faults pending faults, which are taken for each request
 * @param log gets an entry for each request
 */
function createFrontDoor(
  { ids, wait }: Emulation,
  faults: FaultList,
  log: RequestLog,
  { apiKey, region = 'West Europe' }: EmulatorOptions,
): MiddlewareHandler<EmulatorEnv> {
  const worlds = new Map<string, World>()
  return async (c, next) => {
    const { method, path } = c.req
    const { signal } = c.req.raw
    const project = /^\/api\/projects\/([^/]+)\//.exec(path)?.[1] ?? ''
    const world = worlds.get(project) ?? createWorld(project !== '')
    worlds.set(project, world)
    const entry = await log.add(c.req)
    const fault = faults.take(method, path)
    c.set('world', world)
    c.set('entry', entry)
    c.set('fault', fault)
    if (fault.delay_ms !== undefined) await wait(fault.delay_ms, signal)
    if (fault.hang === true) await aborted(signal)
    const refused = isAuthorized(c.req.raw.headers, apiKey) ? undefined : invalidKey().toResponse()
    const answer = faultedResponse(fault, { method, path, isProject: world.isProject }) ?? refused
    if (answer === undefined) await next()
    else c.res = answer
    const traced = {
      'apim-request-id': ids.uuid(),
      'x-request-id': ids.uuid(),
      'x-ms-region': region,
    }
    for (const [name, value] of Object.entries({ ...traced, ...fault.headers })) {
      c.res.headers.set(name, value)
    }
    entry.status = c.res.status
    c.res = metered(c.res, fault, entry, signal)
  }
}

/** Whether a request has the key, as `api-key` or as a bearer token. */
function isAuthorized(headers: Headers, apiKey: string | undefined): boolean {
  const bearer = headers.get('authorization')?.replace(/^bearer /i, '')
  return apiKey === undefined || headers.get('api-key') === apiKey || bearer === apiKey
}

/**
 * Counts a file's bytes, and ends the body early if a fault says so.
 *
 * @param fault taken for the request
 * @param entry log entry whose bytes are counted
 * @param signal of the client
 */
function metered(answer: Response, fault: Fault, entry: LogEntry, signal: AbortSignal): Response {
  const { cut_after, end_after, stall_after } = fault
  const isCut = (cut_after ?? end_after ?? stall_after) !== undefined
  if (answer.body === null || !(isCut || entry.path.endsWith('/content'))) return answer
  const body = meter(answer.body, {
    cutAfter: cut_after,
    endAfter: end_after,
    stallAfter: stall_after,
    signal,
    sent(bytes) {
      entry.bytes += bytes
    },
  })
  return new Response(body, answer)
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop)
    if (signal?.aborted) stop()
  })
}
