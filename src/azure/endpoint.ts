/**
 * Parses the endpoint that users configure, and builds all upstream URLs. Requests cannot leave its host.
 *
 * @module
 */

import { CfileError } from '../core/errors.ts'
import { isLoopback, showUrl } from '../core/url.ts'

/** A resource (`https://RES.openai.azure.com`) or a Foundry project (`…/api/projects/P`). */
export interface Endpoint {
  /** Scheme, host and port. */
  readonly origin: string
  /** The URL up to and including `/openai`. */
  readonly root: string
  /** The URL up to and including `/openai/v1`, or `root` with a dated api-version. */
  readonly base: string
  readonly kind: 'resource' | 'project'
  /**
   * Base URL of a Foundry hosted agent, which serves `/responses` and `/conversations`. Everything else goes to its
   * project. All users of a project share one container there.
   *
   * @see https://learn.microsoft.com/azure/ai-foundry/agents/how-to/manage-hosted-sessions
   */
  readonly agent?: string
  /** The Entra scope for tokens. */
  readonly scope: string
  /** The other scope that Microsoft documents for such an endpoint; absent if the settings specify the scope. */
  readonly otherScope?: string
  /** Sent as `api-version` with every request below `base`. */
  readonly apiVersion?: string
}

/** Options of {@link parseEndpoint}. */
interface EndpointOptions {
  /**
   * `v1`, `preview` or `latest`; a date selects the dated path. @default the version in the URL, unless it is a date
   */
  readonly apiVersion?: string
  /** Allowed hosts beyond Azure's own, with a port unless it is the scheme's default. @default [] */
  readonly allowedHosts?: readonly string[]
  /** Entra scope. @default chosen by host */
  readonly scope?: string
  /** Name of the setting in errors. @default 'AZURE_OPENAI_ENDPOINT' */
  readonly setting?: string
}

const azureHost =
  /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.(?:openai|cognitiveservices|services\.ai)\.azure\.(?:com|us|cn)$/

/**
 * Parses an endpoint in any form that users paste: with `/openai` or `/openai/v1/`, a whole request URL, a project URL.
 *
 * @param text a URL with or without quotes and blanks around it
 * @param options from other settings
 * @throws CfileError `invalid_request` that names the setting, for a malformed URL and for a host that is neither
 *   Azure's nor allowed
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

/**
 * A warning for the operator if the endpoint does not support all operations.
 *
 * @param endpoint of the settings
 */
export function endpointWarning({ apiVersion }: Endpoint): string | undefined {
  if (apiVersion === undefined || !isDated(apiVersion)) return undefined
  return `AZURE_OPENAI_API_VERSION is ${apiVersion}: Azure serves no containers under a dated api-version; unset it, or set v1 or preview.`
}

/**
 * Whether an api-version is a date, as before the v1 path.
 *
 * @param apiVersion such as `2025-04-01-preview`
 */
export function isDated(apiVersion: string): boolean {
  return /^\d{4}-\d{2}-\d{2}/.test(apiVersion)
}

/**
 * The URL of a path below `base`, or below the hosted agent if it serves that path. Adds the endpoint's api-version
 * unless the query has one.
 *
 * @param endpoint of the upstream
 * @param path with a leading slash, its segments encoded
 * @param query with or without its `?`
 * @throws CfileError `invalid_request` for a path that might leave the endpoint
 */
export function upstreamUrl(endpoint: Endpoint, path: string, query = ''): URL {
  const { agent, apiVersion = 'v1' } = endpoint
  if (agent !== undefined && /^\/(?:responses|conversations)(?:\/|$)/.test(path)) {
    return joinUrl(endpoint, agent, path, query, apiVersion)
  }
  return joinUrl(endpoint, endpoint.base, path, query, endpoint.apiVersion)
}

/**
 * The URL of a path below `root`, for operations that still need a dated api-version.
 *
 * @param endpoint of the upstream
 * @param path path below `/openai`, its segments encoded
 * @param query without its `?`
 * @throws CfileError `invalid_request` for a path that might leave the endpoint
 */
export function rootUrl(endpoint: Endpoint, path: string, query = ''): URL {
  return joinUrl(endpoint, endpoint.root, path, query, undefined)
}

/** Whether a URL is at the endpoint. Every request passes this check before it is sent. */
function isAtEndpoint({ origin, root, agent }: Endpoint, url: URL): boolean {
  return (
    url.origin === origin &&
    url.username === '' &&
    url.password === '' &&
    (url.href.startsWith(`${root}/`) || (agent !== undefined && url.href.startsWith(`${agent}/`)))
  )
}

// Dot segments in any encoding. A second decoder at the upstream may decode what this parser does not.
const climbing = /(?:^|\/)(?:\.|%(?:25)*2e){1,2}(?:\/|$|;)/i
const smuggling = /\/\/|\\|%(?:25)*(?:5c|2f|00)|[^\x21-\x7e]|[#?]/i

/**
 * Joins a base and a path, and checks that the result is below the base.
 *
 * @throws CfileError `invalid_request` for a path that might leave the endpoint
 */
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
  // Setting even an empty query parses the URL again.
  if (query !== '') url.search = query
  if (apiVersion !== undefined && !url.searchParams.has('api-version')) {
    // Not with URLSearchParams, which would rewrite the caller's own parameters.
    url.search += `${url.search === '' ? '?' : '&'}api-version=${apiVersion}`
  }
  if (!isAtEndpoint(endpoint, url)) throw badPath()
  return url
}

function badPath(): CfileError {
  return new CfileError('invalid_request', 'The path is not one of the API.', {
    hint: 'Paths contain no "..", no empty segment, no backslash and no encoded slash.',
  })
}

/**
 * Parses a pasted text; quotes and blanks around it are ignored.
 *
 * @throws CfileError `invalid_request` if it is no URL
 */
function parseUrl(text: string, options: EndpointOptions): URL {
  const pasted = text.trim().replace(/^(["'])(.*)\1$/, '$2')
  if (URL.canParse(pasted)) return new URL(pasted)
  throw badEndpoint(text, 'is not a URL', options)
}

/** The reason why a URL cannot be an endpoint, as a predicate. */
function faultOf(url: URL, allowedHosts: readonly string[]): string | undefined {
  const { protocol, host, hostname, username, password, pathname } = url
  if (username !== '' || password !== '') return 'contains a user name or password'
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname)))
    return 'is not https'
  if (/%|\/\//.test(pathname.replace(/\/+$/, ''))) return 'has an empty or encoded part in its path'
  if (isLoopback(hostname) || allowedHosts.some((allowed) => allowed.toLowerCase() === host)) {
    return undefined
  }
  // Azure's own hosts answer only on port 443.
  if (host === hostname && azureHost.test(hostname)) return undefined
  return 'is on a host that is not one of Azure OpenAI (add the host to CFILE_ALLOWED_HOSTS to allow it)'
}

interface PathParts {
  /** A path that API Management may put before the rest. */
  readonly prefix: string
  /** `/api/projects/P`, or empty. */
  readonly project: string
  /** `/agents/A/endpoint/protocols/openai`. */
  readonly agent?: string
}

/** Splits a pasted path. Everything after `/openai` belongs to a request and is ignored. */
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

/** The api-version in a pasted URL, unless it is a date: those have no containers. */
function undatedVersion(version: string | null): string | undefined {
  return version !== null && /^(?:v1|preview|latest)$/.test(version) ? version : undefined
}

/**
 * The scopes for a host. Microsoft documents both for Azure OpenAI; the first answer shows which one the endpoint
 * accepts.
 */
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

/**
 * The error for an endpoint. It shows the URL without user, query and fragment.
 *
 * @param fault predicate of the URL, such as `is not https`
 */
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
