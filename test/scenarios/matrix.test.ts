/**
 * Owner, stranger, anonymous client, admin and link holder on every route of the app.
 */

import { describe, expect, it } from 'vitest'
import { type Answered, type CallersHarness, openCallers, refusal } from '../lib/callers.ts'
import { type CitedFile, json, pathOf } from '../lib/harness.ts'

/** Ids in the request of a route: those of an owner, or made up. */
interface Things {
  readonly container: string
  readonly file: string
  readonly path: string
  readonly response: string
}

interface Row {
  /** Status for the owner. @default 200 */
  readonly served?: number
  /** Error for strangers. Absent when everybody is served because the answer contains no data of any caller. */
  readonly refused?: string
  readonly body?: (things: Things) => object
  /** Body for `POST /links` that creates a link to the same thing. */
  readonly link?: (things: Things) => object
  /** Only admins are served. */
  readonly isAdmins?: true
  /** Only holders of a link are served. */
  readonly isLink?: true
}

const toFile = ({ file, container }: Things) => ({ file_id: file, container_id: container })
const toPlace = (kind: string) => (things: Things) => ({ container_id: things.container, kind })

/** Container files through the Files API, on every base path of the OpenAI API. */
const filesApi: Readonly<Record<string, Row>> = Object.fromEntries(
  ['/openai/v1', '/openai', '/v1', '/api/projects/:project/openai/v1'].flatMap((base) =>
    ['GET :file_id', 'DELETE :file_id', 'GET :file_id/content'].map((route) => [
      route.replace(' ', ` ${base}/files/`),
      { refused: 'file_not_found' },
    ]),
  ),
)

/** A route without a row fails the tests. A row without a route does not. */
const rows: Readonly<Record<string, Row>> = {
  'GET /s/:token': { isLink: true },
  'GET /s/:token/:name': { isLink: true },
  'GET /files/:file_id': { refused: 'file_not_found' },
  'DELETE /files/:file_id': { refused: 'file_not_found' },
  'GET /containers/:container_id': { refused: 'container_not_found', link: toPlace('page') },
  'GET /containers/:container_id/files': { refused: 'container_not_found' },
  // Without an archive, so the owner gets the error for missing copies.
  'POST /containers/:container_id/restore': { refused: 'container_not_found', served: 410 },
  'GET /containers/:container_id/files.zip': {
    refused: 'container_not_found',
    link: toPlace('zip'),
  },
  'GET /containers/:container_id/files/:file_id': { refused: 'file_not_found', link: toFile },
  'GET /containers/:container_id/path/*': { refused: 'file_not_found' },
  'DELETE /owners/:owner': { refused: 'not_found', isAdmins: true },
  'POST /captures': {
    refused: 'file_not_found',
    body: (things) => ({
      choices: [],
      tool_calls: [{ function: { name: 'run', output: { files: [toFile(things)] } } }],
    }),
  },
  'POST /links': { refused: 'file_not_found', body: toFile },
  ...filesApi,
  'GET /healthz': {},
  'GET /readyz': {},
  'GET /metrics': {},
  'GET /openapi.json': {},
  'GET /docs': {},
}

/** Paths of the OpenAI API that name things. */
const ofTheApi: readonly [route: string, refused: string][] = [
  ['GET /containers/:container_id', 'container_not_found'],
  ['DELETE /containers/:container_id', 'container_not_found'],
  ['GET /containers/:container_id/files', 'container_not_found'],
  ['POST /containers/:container_id/files', 'container_not_found'],
  ['GET /containers/:container_id/files/:file_id', 'file_not_found'],
  ['DELETE /containers/:container_id/files/:file_id', 'file_not_found'],
  ['GET /containers/:container_id/files/:file_id/content', 'file_not_found'],
  ['GET /files/file-:response', 'file_not_found'],
  ['DELETE /files/file-:response', 'file_not_found'],
  ['GET /files/file-:response/content', 'file_not_found'],
  ['GET /responses/:response', 'not_found'],
  ['DELETE /responses/:response', 'not_found'],
  ['POST /responses/:response/cancel', 'not_found'],
  ['GET /responses/:response/input_items', 'not_found'],
]

const madeUp: Things = {
  container: 'cntr_nobodys',
  file: 'cfile_nobodys',
  path: 'nobodys.csv',
  response: 'resp_nobodys',
}

function thingsOf({ id, file }: Answered): Things {
  const { container_id, file_id, filename }: CitedFile = file
  return { container: container_id, file: file_id, path: filename, response: id }
}

function split(route: string): [method: string, path: string] {
  const [method = '', path = ''] = route.split(' ')
  return [method, path]
}

function fill(path: string, things: Things): string {
  return path
    .replace(':project', 'p')
    .replace(':container_id', things.container)
    .replace(':file_id', things.file)
    .replace(':response', things.response)
    .replace(':owner', 'ann')
    .replace('*', things.path)
}

function requestFor(route: string, { body }: Row, things: Things) {
  const [method, path] = split(route)
  const query = path.startsWith('/openai/files/') ? '?api-version=preview' : ''
  return [fill(path, things) + query, { ...(body && json(body(things))), method }] as const
}

/** Every route for one method. Routes for all methods are middlewares, 405 answers and the OpenAI API. */
function routesOf({ app }: CallersHarness): string[] {
  const all = app.routes.map(
    ({ method, path }) => `${method} ${path.replace(/\{.+?\}(?=\/|$)|\/$/g, '') || '/'}`,
  )
  // The upgrade to a WebSocket has its own method too.
  return [...new Set(all)].filter((route) => !/^ALL |(?:v1|openai)\/responses$/.test(route))
}

async function openWithAnswer() {
  const gateway = openCallers()
  const answered = await gateway.as('ann').answer('Save the numbers as a CSV.')
  await gateway.requests()
  return { gateway, things: thingsOf(answered) }
}

const routes = routesOf(openCallers())
const surface = surfaceOf(openCallers())

/** Base paths of the OpenAI API: they accept all methods and are no 405 answer. */
function surfaceOf({ app: { routes: all } }: CallersHarness): string[] {
  const paths = new Set(all.map(({ path }) => path))
  return ['/openai/v1', '/openai', '/v1'].filter((base) => paths.has(`${base}/*`))
}

describe('every route', () => {
  it('has a row in this matrix', () => {
    expect(routes.filter((route) => rows[route] === undefined)).toEqual([])
    expect(routes.length).toBeGreaterThan(8)
    expect(surface).toEqual(['/openai/v1', '/openai', '/v1'])
  })
})

const guarded = routes.filter((route) => rows[route]?.refused !== undefined)

describe.each(guarded)('%s', (route) => {
  const row = rows[route] ?? {}

  it('serves the owner and the admin', async () => {
    for (const who of row.isAdmins ? (['admin'] as const) : (['ann', 'admin'] as const)) {
      const { gateway, things } = await openWithAnswer()
      const answer = await gateway.as(who).ask(...requestFor(route, row, things))
      expect(answer.status, who).toBe(row.served ?? 200)
      await answer.body?.cancel()
    }
  })

  it('gives a stranger the same answer for existing and missing objects, without an upstream request', async () => {
    const { gateway, things } = await openWithAnswer()
    const bob = gateway.as('bob')
    const refused = await refusal(await bob.ask(...requestFor(route, row, things)))
    expect(refused).toMatchObject({ status: 404, error: { code: row.refused } })
    // Captures of things without an owner are allowed to whoever has the answer.
    if (route !== 'POST /captures') {
      expect(await refusal(await bob.ask(...requestFor(route, row, madeUp)))).toEqual(refused)
    }
    expect(await gateway.requests()).toEqual([])
  })

  it('refuses a missing and a wrong key', async () => {
    const { gateway, things } = await openWithAnswer()
    const [path] = requestFor(route, row, things)
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      for (const authorization of ['', 'Bearer wrong', 'Basic key-of-ann']) {
        const answer = await gateway.ask(path, { method, headers: { authorization } })
        expect(answer.status, `${method} ${authorization}`).toBe(401)
      }
    }
    expect(await gateway.requests()).toEqual([])
  })

  it('does not serve a stranger with another method', async () => {
    const { gateway, things } = await openWithAnswer()
    const [path] = requestFor(route, row, things)
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const { status } = await gateway.as('bob').ask(path, { method })
      expect([400, 404, 405], method).toContain(status)
    }
    expect(await gateway.requests()).toEqual([])
  })
})

const linked = guarded.filter((route) => rows[route]?.link !== undefined)

describe.each(linked)('%s', (route) => {
  const row = rows[route] ?? {}

  it('serves the holder of a link like its owner', async () => {
    const { gateway, things } = await openWithAnswer()
    const made = await gateway.as('ann').ask('/links', json(row.link?.(things) ?? {}))
    const link = pathOf(((await made.json()) as { download_url: string }).download_url)
    const [path] = requestFor(route, row, things)
    const [own, granted] = [await gateway.as('ann').ask(path), await gateway.ask(link)]
    expect(granted.status).toBe(200)
    for (const name of ['content-type', 'content-disposition', 'content-length', 'etag']) {
      expect(granted.headers.get(name), name).toBe(own.headers.get(name))
    }
    await Promise.all([own.body?.cancel(), granted.body?.cancel()])
    await gateway.requests()
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const refused = await gateway.as('ann').ask(link, { method })
      expect([refused.status, refused.headers.get('allow')], method).toEqual([405, 'GET, HEAD'])
    }
    expect(await gateway.requests()).toEqual([])
  })
})

describe.each(surface)('%s', (base) => {
  it.each(ofTheApi)('%s is for the owner only', async (route, code) => {
    const { gateway, things } = await openWithAnswer()
    const [method, path] = split(route)
    const dated = base === '/openai' ? '?api-version=preview' : ''
    const ask = (which: Things) =>
      gateway.as('bob').ask(base + fill(path, which) + dated, { method })
    const refused = await refusal(await ask(things))
    expect(refused).toMatchObject({ status: 404, error: { code } })
    expect(await refusal(await ask(madeUp))).toEqual(refused)
    expect((await gateway.ask(base + fill(path, things), { method })).status).toBe(401)
    expect(await gateway.requests()).toEqual([])
  })
})

describe('an open route', () => {
  it('contains nothing of any owner', async () => {
    const { gateway, things } = await openWithAnswer()
    const open = routes.filter((route) => {
      const { refused, isLink } = rows[route] ?? {}
      return refused === undefined && !isLink
    })
    for (const route of open) {
      const [method, path] = split(route)
      const answer = await gateway.ask(path, { method })
      expect(answer.status, route).toBe(200)
      const text = await answer.text()
      expect(text, route).not.toMatch(/\b(?:ann|bob)\b/)
      for (const id of [things.container, things.file, things.response]) {
        expect(text.includes(id), route).toBe(false)
      }
    }
  })
})
