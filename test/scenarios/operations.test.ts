/**
 * Every operation of the OpenAI API, called with ids of another caller, before an upstream that shows everything to
 * everybody.
 */

import { describe, expect, it } from 'vitest'
import { apiKey } from '../../src/azure/credentials.ts'
import { operationOf } from '../../src/core/api/operations.ts'
import { ownerKey } from '../../src/gateway/owners/access.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { apiPaths } from '../fixtures/api-paths.ts'
import { openCallers } from '../lib/callers.ts'

/** `METHOD /path/{}` of the fixture, or of the OpenAPI document that the environment names. */
async function readOperations(): Promise<string[]> {
  const known = apiPaths
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [path = '', ...methods] = line.split(' ')
      return methods.map((method) => `${method} ${path}`)
    })
  const file = globalThis.process?.env.CFILE_OPENAPI
  if (file === undefined) return known
  const { readFile } = await import('node:fs/promises')
  const { paths } = JSON.parse(await readFile(file, 'utf8')) as { paths: Record<string, object> }
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => /^(?:get|post|put|patch|delete)$/.test(method))
      .map(
        (method) =>
          `${method.toUpperCase()} ${path.replace(/\?.*/, '').replace(/\{[^}]*\}/g, '{}')}`,
      ),
  )
  return [...new Set([...known, ...documented])]
}

const operations = await readOperations()

function split(operation: string): [method: string, path: string] {
  const [method = '', path = ''] = operation.split(' ')
  return [method, path]
}

/** Ids that differ in their last letter only: `a` belongs to ann, `b` to bob. */
function idFor(kind: string, owner: 'a' | 'b'): string {
  const prefix = { container: 'cntr', file: 'file', response: 'resp', conversation: 'conv' }[kind]
  return `${prefix ?? 'thing'}_of_${owner}`
}

/** Fills a path with ids, the first ones bob's. */
function fill(operation: string, ownFirst = 0): string {
  const [method, path] = split(operation)
  const { ids } = operationOf(method, path.replaceAll('{}', 'x'))
  let index = -1
  return path.replaceAll('{}', () => {
    index += 1
    const kind = ids[index]?.kind ?? 'name'
    return kind === 'name' ? 'name-1' : idFor(kind, index < ownFirst ? 'b' : 'a')
  })
}

function countIds(operation: string): number {
  const [method, path] = split(operation)
  return operationOf(method, path.replaceAll('{}', 'x')).ids.length
}

interface World {
  ask(owner: 'ann' | 'bob' | 'admin', operation: string, path: string): Promise<Response>
  /** Requests that reached the upstream since the last call. */
  seen(): string[]
}

/** A gateway before an upstream that answers every request with things of everybody. */
async function openWorld(): Promise<World> {
  const store = memoryStore({ now: () => 0 })
  for (const kind of ['container', 'file', 'response', 'conversation', 'thing']) {
    for (const [owner, letter] of [
      ['ann', 'a'],
      ['bob', 'b'],
    ] as const) {
      const record = {
        seen_at: 0,
        ...(kind === 'file' && { container_id: idFor('container', letter) }),
      }
      await store.put(`${kind}/${idFor(kind, letter)}/${await ownerKey(owner)}`, record)
    }
  }
  const requests: string[] = []
  const gateway = openCallers({
    store,
    upstreams: [
      {
        endpoint: 'http://upstream.localhost',
        credential: apiKey('a-secret-key'),
        fetch: async (input, init) => {
          const { method, url } = new Request(input, init)
          const { pathname } = new URL(url)
          requests.push(`${method} ${pathname.replace(/^\/openai(?:\/v1)?/, '')}`)
          return method === 'GET' ? listOfAll(pathname) : Response.json({ id: 'made_1' })
        },
      },
    ],
  })
  return {
    ask: async (owner, operation, path) =>
      gateway.as(owner).ask(`/openai${path.startsWith('/deployments') ? '' : '/v1'}${path}`, {
        method: split(operation)[0],
        headers: { 'content-type': 'application/json' },
        ...(operation.startsWith('POST') && { body: bodyFor(operation, owner) }),
      }),
    seen: () => requests.splice(0),
  }
}

/** Most accept an empty body here; a batch names its file. */
function bodyFor(operation: string, owner: string): string {
  if (operation !== 'POST /batches') return '{}'
  return JSON.stringify({ input_file_id: idFor('file', owner === 'bob' ? 'b' : 'a') })
}

/** Rows of everybody for a collection; an object for the path of one. */
function listOfAll(pathname: string): Response {
  const last = pathname.split('/').at(-1) ?? ''
  // A line of a batch.
  if (last === 'content') return Response.json({ method: 'POST', url: '/v1/responses', body: {} })
  if (/_of_[ab]$/.test(last)) return Response.json({ id: last, secret: last })
  if (/_of_b/.test(pathname)) return Response.json({ object: 'list', data: [{ id: 'row_1' }] })
  const data = ['container', 'file', 'response', 'conversation', 'thing'].flatMap((kind) =>
    (['a', 'b'] as const).map((owner) => ({ id: idFor(kind, owner) })),
  )
  return Response.json({ object: 'list', data, first_id: data[0]?.id, last_id: data.at(-1)?.id })
}

/** Requests that reached the upstream. */
function sent(operation: string, ownFirst: number): string {
  return `${split(operation)[0]} ${fill(operation, ownFirst)}`
}

async function expectRefused(world: World, operation: string, path: string): Promise<void> {
  const answer = await world.ask('bob', operation, path)
  expect([answer.status, world.seen()]).toEqual([404, []])
  expect(await answer.text()).not.toContain('_of_a')
}

describe.each(operations)('%s', (operation) => {
  const [method, path] = split(operation)
  const { allowedTo, isExact } = operationOf(method, fill(operation))
  const count = countIds(operation)

  it('was reviewed', () => {
    expect([allowedTo, isExact]).toEqual([expect.stringMatching(/^(?:callers|admins)$/), true])
  })

  it('shows a caller nothing of others', async () => {
    const world = await openWorld()
    if (allowedTo === 'admins') {
      await expectRefused(world, operation, fill(operation))
      await expectRefused(world, operation, fill(operation, count))
      return
    }
    for (let own = 0; own < count; own += 1)
      await expectRefused(world, operation, fill(operation, own))
    const answer = await world.ask('bob', operation, fill(operation, count))
    expect([answer.status, world.seen().at(-1)]).toEqual([200, sent(operation, count)])
    // Models and deployments have no owner.
    if (!/^\/(?:models|deployments)/.test(path)) expect(await answer.text()).not.toContain('_of_a')
  })

  if (allowedTo === 'admins') return
  it('serves the owner of the named things', async () => {
    const world = await openWorld()
    const answer = await world.ask('ann', operation, fill(operation))
    expect([answer.status, world.seen().at(-1)]).toEqual([200, sent(operation, 0)])
    if (method === 'GET' && operationOf(method, path).answerKind === 'list') {
      expect(await answer.text()).toContain('_of_a')
    }
  })
})

describe('an undocumented operation', () => {
  const unknown = ['GET /', 'GET /secrets', 'GET /secrets/1', 'POST /secrets', 'GET /completions']
  const unusual = [
    'GET /realtime/calls',
    'PUT /files',
    'OPTIONS /files',
    'PATCH /responses/resp_of_b',
    'GET /usage',
  ]
  const respelt = [
    '/responses/',
    '/RESPONSES',
    '/%72esponses',
    '/responses;a=1',
    '/chat//completions',
    '//responses',
    '/responses/resp_of_b/',
    '/Responses/resp_of_b',
    '/responses/resp%5Fof_b',
    '/responses/resp_of_b;a=1',
    '/files/file_of_b/Content',
  ]
  it.each([...unknown, ...unusual, ...respelt.map((path) => `GET ${path}`)])(
    'does not exist with caller auth: %s',
    async (operation) => {
      const world = await openWorld()
      const answer = await world.ask('bob', operation, operation.split(' ')[1] ?? '')
      expect(operation.includes(';') || operation.includes('//') ? [400, 404] : [404]).toContain(
        answer.status,
      )
      expect(world.seen()).toEqual([])
    },
  )
})
