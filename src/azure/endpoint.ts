/**
 * What people paste as an endpoint → the one URL shape under which containers answer, and no other host.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import { isLoopback, showUrl } from '../core/url.ts'

/** A resource (`https://RES.openai.azure.com`) or a Foundry project (`…/api/projects/P`). */
export interface Endpoint {
  /** Scheme, host and port. */
  readonly origin: string
  /** Up to and with `/openai`. */
  readonly root: string
  /** Up to and with `/openai/v1`, or `root` where a dated api-version was asked for. */
  readonly base: string
  readonly kind: 'resource' | 'project'
  /**
   * Base of a Foundry hosted agent, which serves `/responses` and `/conversations`; everything else is asked of its
   * project. All users of a project share one container there.
   *
   * @see https://learn.microsoft.com/azure/ai-foundry/agents/how-to/manage-hosted-sessions
   */
  readonly agent?: string
  /** The Entra scope that its tokens need. */
  readonly scope: string
  /** The other scope that Microsoft names for such an endpoint; absent where the settings say which one it is. */
  readonly otherScope?: string
  /** Sent as `api-version` with every call below `base`. */
  readonly apiVersion?: string
}

/** Options of {@link parseEndpoint}. */
export interface EndpointOptions {
  /** `v1`, `preview` or `latest`; a date selects the dated path. @default the one in the URL, unless it is a date */
  readonly apiVersion?: string
  /** Hosts, with their port where it is not the scheme's, beyond Azure's own. @default [] */
  readonly allowedHosts?: readonly string[]
  /** @default by host */
  readonly scope?: string
  /** What the text is called in errors. @default 'AZURE_OPENAI_ENDPOINT' */
  readonly setting?: string
}

const azureHost =
  /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.(?:openai|cognitiveservices|services\.ai)\.azure\.(?:com|us|cn)$/

/**
 * Reads an endpoint in any form that people paste: with `/openai`, `/openai/v1/`, a whole request URL, a project URL.
 *
 * @throws CfileError `invalid_request` that names the setting, for a host that is not Azure's and not allowed
 */
export function parseEndpoint(text: string, options: EndpointOptions = {}): Endpoint {
  const url = parseUrl(text, options)
  const fault = faultOf(url, options.allowedHosts ?? [])
  if (fault !== undefined) throw badEndpoint(text, fault, options)
  const { prefix, project, agent } = splitPath(url.pathname)
  const root = `${url.origin}${prefix}${project}/openai`
  const kind = project === '' ? 'resource' : 'project'
  const apiVersion = options.apiVersion ?? undatedVersion(url.searchParams.get('api-version'))
  return {
    origin: url.origin,
    root,
    base: apiVersion !== undefined && isDated(apiVersion) ? root : `${root}/v1`,
    kind,
    agent: agent === undefined ? undefined : `${url.origin}${prefix}${project}${agent}`,
    ...(options.scope === undefined ? scopesOf(url.hostname, kind) : { scope: options.scope }),
    apiVersion,
  }
}

/** What the operator should be told of an endpoint that will not do all of the work. */
export function endpointWarning({ apiVersion }: Endpoint): string | undefined {
  if (apiVersion === undefined || !isDated(apiVersion)) return undefined
  return `AZURE_OPENAI_API_VERSION is ${apiVersion}: Azure serves no containers under a dated api-version; leave it out, or set v1 or preview.`
}

/** Whether an api-version is a date, as it was before the v1 path. */
export function isDated(apiVersion: string): boolean {
  return /^\d{4}-\d{2}-\d{2}/.test(apiVersion)
}

/**
 * The URL of a path below `base`, or of the hosted agent where it serves that path; its query follows the endpoint's
 * api-version unless it brings its own.
 */
export function upstreamUrl(endpoint: Endpoint, path: string, query = ''): URL {
  const { agent, apiVersion = 'v1' } = endpoint
  if (agent !== undefined && /^\/(?:responses|conversations)(?:\/|$)/.test(path)) {
    return joinUrl(endpoint, agent, path, query, apiVersion)
  }
  return joinUrl(endpoint, endpoint.base, path, query, endpoint.apiVersion)
}

/** The URL of a path below `root`, for what is still served under a dated api-version. */
export function rootUrl(endpoint: Endpoint, path: string, query = ''): URL {
  return joinUrl(endpoint, endpoint.root, path, query, undefined)
}

/** Whether a URL stays at the endpoint: the guard that every request passes before it is sent. */
function isAtEndpoint({ origin, root, agent }: Endpoint, url: URL): boolean {
  return (
    url.origin === origin &&
    url.username === '' &&
    url.password === '' &&
    (url.href.startsWith(`${root}/`) || (agent !== undefined && url.href.startsWith(`${agent}/`)))
  )
}

// A segment of dots climbs, however it is written; a second decoder downstream may see what this one does not.
const climbing = /(?:^|\/)(?:\.|%(?:25)*2e){1,2}(?:\/|$|;)/i
const smuggling = /\/\/|\\|%(?:25)*(?:5c|2f|00)|[^\x21-\x7e]|[#?]/i

function joinUrl(
  endpoint: Endpoint,
  base: string,
  path: string,
  query: string,
  apiVersion: string | undefined,
): URL {
  if (!path.startsWith('/') || path.length > 8192 || climbing.test(path) || smuggling.test(path)) {
    throw badPath()
  }
  const url = new URL(base + path)
  // Even an empty one would have the URL parsed anew.
  if (query !== '') url.search = query
  if (apiVersion !== undefined && !url.searchParams.has('api-version')) {
    // By hand: URLSearchParams would write the caller's own parameters anew.
    url.search += `${url.search === '' ? '?' : '&'}api-version=${apiVersion}`
  }
  if (!isAtEndpoint(endpoint, url)) throw badPath()
  return url
}

function badPath(): CfileError {
  return new CfileError('invalid_request', 'The path is not one of the API.', {
    hint: 'Paths hold no "..", no empty segment, no backslash and no encoded slash.',
  })
}

function parseUrl(text: string, options: EndpointOptions): URL {
  const pasted = text.trim().replace(/^(["'])(.*)\1$/, '$2')
  if (URL.canParse(pasted)) return new URL(pasted)
  throw badEndpoint(text, 'is not a URL', options)
}

/** What of a URL makes it no endpoint, in words. */
function faultOf(url: URL, allowedHosts: readonly string[]): string | undefined {
  const { protocol, host, hostname, username, password, pathname } = url
  if (username !== '' || password !== '') return 'holds a user name or password'
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname)))
    return 'is not https'
  if (/%|\/\//.test(pathname.replace(/\/+$/, ''))) return 'has an empty or encoded part in its path'
  if (isLoopback(hostname) || allowedHosts.some((allowed) => allowed.toLowerCase() === host)) {
    return undefined
  }
  // Azure's own hosts answer on 443 only.
  if (host === hostname && azureHost.test(hostname)) return undefined
  return 'is on a host that is not one of Azure OpenAI (name the host in CFILE_ALLOWED_HOSTS if it is meant)'
}

interface PathParts {
  /** What API Management may put before the rest. */
  readonly prefix: string
  /** `/api/projects/P`, or empty. */
  readonly project: string
  /** `/agents/A/endpoint/protocols/openai`. */
  readonly agent?: string
}

/** Splits a pasted path. What follows `/openai` is a request's and not the endpoint's. */
function splitPath(pathname: string): PathParts {
  const hosted = /^(.*?)(\/api\/projects\/[^/]+)(\/agents\/[^/]+\/endpoint)(?:\/|$)/.exec(pathname)
  if (hosted !== null) {
    const [, prefix = '', project = '', agent] = hosted
    return { prefix, project, agent: `${agent}/protocols/openai` }
  }
  const before = /^(.*?)(?:\/openai(?:\/.*)?)?\/*$/.exec(pathname)?.[1] ?? ''
  const [, prefix = '', project = ''] = /^(.*?)(\/api\/projects\/[^/]+)?$/.exec(before) ?? []
  return { prefix, project }
}

function undatedVersion(version: string | null): string | undefined {
  return version !== null && /^(?:v1|preview|latest)$/.test(version) ? version : undefined
}

/** Microsoft names both scopes for Azure OpenAI; which of them an endpoint takes is known after its first answer. */
function scopesOf(
  hostname: string,
  kind: Endpoint['kind'],
): Required<Pick<Endpoint, 'scope' | 'otherScope'>> {
  const cloud = /\.azure\.(us|cn)$/.exec(hostname)?.[1] ?? 'com'
  const ofProjects = `https://ai.azure.${cloud}/.default`
  const ofResources = `https://cognitiveservices.azure.${cloud}/.default`
  return kind === 'project'
    ? { scope: ofProjects, otherScope: ofResources }
    : { scope: ofResources, otherScope: ofProjects }
}

function badEndpoint(
  text: string,
  fault: string,
  { setting = 'AZURE_OPENAI_ENDPOINT' }: EndpointOptions,
): CfileError {
  return new CfileError(
    'invalid_request',
    `${setting} got ${showUrl(text)}, which ${fault}; it takes a URL such as https://RES.openai.azure.com or https://RES.services.ai.azure.com/api/projects/P.`,
    { param: setting.split(':')[0] },
  )
}
