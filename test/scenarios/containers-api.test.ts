/**
 * The container operations of OpenAI's OpenAPI document through the gateway. The schemas are restated here, and answers
 * must not contain anything else.
 */

import { describe, expect, it } from 'vitest'
import { type Harness, json, openHarness, responseRequest } from '../lib/harness.ts'

/** Checks a value and reports where it is wrong. */
type Schema = (value: unknown, place: string) => void

const is =
  (what: string, holds: (value: unknown) => boolean): Schema =>
  (value, place) =>
    expect(holds(value), `${place} is no ${what}: ${JSON.stringify(value)}`).toBe(true)

const text = is('text', (value) => typeof value === 'string')
const flag = is('boolean', (value) => typeof value === 'boolean')
const like = (pattern: RegExp): Schema =>
  is(String(pattern), (value) => pattern.test(String(value)))
const oneOf = (...values: readonly unknown[]): Schema =>
  is(`one of ${values}`, (value) => values.includes(value))
const integer = (least: number): Schema =>
  is(`integer from ${least}`, (value) => Number.isSafeInteger(value) && Number(value) >= least)
const orNull =
  (schema: Schema): Schema =>
  (value, place) =>
    value === null || schema(value, place)
const listed =
  (row: Schema): Schema =>
  (value, place) => {
    expect(Array.isArray(value), place).toBe(true)
    for (const [index, one] of (value as unknown[]).entries()) row(one, `${place}[${index}]`)
  }

/** An object with these members, optionally with those, and no others. */
const object =
  (required: Readonly<Record<string, Schema>>, optional: typeof required = {}): Schema =>
  (value, place) => {
    const fields = Object.entries(value as object)
    expect(
      Object.keys(required).filter((name) => !(name in (value as object))),
      place,
    ).toEqual([])
    for (const [name, field] of fields) {
      const schema = required[name] ?? optional[name]
      if (schema === undefined) throw new Error(`${place}.${name} is not in the document`)
      schema(field, `${place}.${name}`)
    }
  }

const unixSecond = integer(1_600_000_000)
const containerId = like(/^cntr_[0-9a-f]{48}$/)
const fileId = like(/^cfile_[0-9a-f]{32}$/)

const container = object(
  {
    id: containerId,
    object: oneOf('container'),
    name: text,
    created_at: unixSecond,
    status: text,
  },
  {
    last_active_at: unixSecond,
    expires_after: object({ anchor: oneOf('last_active_at'), minutes: integer(1) }),
    memory_limit: oneOf('1g', '4g', '16g', '64g'),
    network_policy: object(
      { type: oneOf('allowlist', 'disabled') },
      { allowed_domains: listed(text) },
    ),
  },
)

const containerFile = object({
  id: fileId,
  object: oneOf('container.file'),
  created_at: unixSecond,
  bytes: orNull(integer(0)),
  container_id: containerId,
  path: like(/^\/mnt\/data\/./),
  source: oneOf('user', 'assistant'),
})

const listOf = (row: Schema): Schema =>
  object({
    object: oneOf('list'),
    data: listed(row),
    // The document says string, but the wire has null for an empty list.
    first_id: orNull(text),
    last_id: orNull(text),
    has_more: flag,
  })

const deleted = (what: string): Schema =>
  object({ id: text, object: oneOf(what), deleted: oneOf(true) })

const problem = object({
  error: object({
    message: text,
    type: orNull(text),
    param: orNull(text),
    code: orNull(text),
  }),
})

/** Any object with an id, for parts of the API that are not checked here. */
const anything: Schema = () => {}

interface Read {
  readonly id: string
  readonly data: readonly Read[]
  readonly last_id: string
  readonly has_more: boolean
  readonly source: string
  readonly bytes: number | null
}

/** Sends a request and checks status, media type and body of the answer. */
async function ask(
  gateway: Harness,
  schema: Schema,
  path: string,
  init?: RequestInit,
  status = 200,
): Promise<Read> {
  const answer = await gateway.ask(`/openai/v1${path}`, init)
  expect([answer.status, answer.headers.get('content-type')], path).toEqual([
    status,
    expect.stringMatching(/^application\/json/),
  ])
  const body = await answer.json()
  schema(body, path)
  return body as Read
}

function form(text: string, name: string): RequestInit {
  const body = new FormData()
  body.set('file', new File([text], name))
  return { method: 'POST', body }
}

describe.each(['off', 'annotate', 'rewrite'] as const)(
  'the operations on containers, with links %s',
  (links) => {
    it('match the document: create, retrieve, list, delete', async () => {
      const gateway = openHarness({ links })
      const settings = {
        name: 'mine',
        expires_after: { anchor: 'last_active_at', minutes: 5 },
        memory_limit: '4g',
      }
      const made = await ask(gateway, container, '/containers', json(settings))
      expect(made).toMatchObject(settings)
      expect(await ask(gateway, container, `/containers/${made.id}`)).toMatchObject(settings)
      const list = await ask(gateway, listOf(container), '/containers?limit=1&order=desc&name=mine')
      expect(list.data.map(({ id }) => id)).toEqual([made.id])
      await ask(gateway, deleted('container.deleted'), `/containers/${made.id}`, {
        method: 'DELETE',
      })
      await ask(gateway, problem, `/containers/${made.id}`, undefined, 404)
    })

    it('match the document: create a file by form and by id, retrieve, list, read, delete', async () => {
      const gateway = openHarness({ links })
      const { id } = await ask(gateway, container, '/containers', json({ name: 'c' }))
      const files = `/containers/${id}/files`
      expect(await ask(gateway, listOf(containerFile), files)).toMatchObject({
        data: [],
        last_id: null,
      })
      const made = await ask(gateway, containerFile, files, form('a,b\n', 'für.csv'))
      expect(made).toMatchObject({ bytes: 4, container_id: id, source: 'user' })
      const body = new FormData()
      body.set('purpose', 'assistants')
      body.set('file', new File(['x'], 'x.txt'))
      const upload = await ask(gateway, anything, '/files', {
        method: 'POST',
        body,
      })
      const mounted = await ask(gateway, containerFile, files, json({ file_id: upload.id }))
      expect(await ask(gateway, containerFile, `${files}/${made.id}`)).toEqual(made)
      const first = await ask(gateway, listOf(containerFile), `${files}?order=asc&limit=1`)
      expect([first.data, first.has_more]).toEqual([[made], true])
      const next = await ask(
        gateway,
        listOf(containerFile),
        `${files}?order=asc&after=${first.last_id}`,
      )
      expect([next.data.map((row) => row.id), next.has_more]).toEqual([[mounted.id], false])
      const content = await gateway.ask(`/openai/v1${files}/${made.id}/content`, {
        headers: { accept: 'application/binary' },
      })
      expect([content.status, await content.text()]).toEqual([200, 'a,b\n'])
      await ask(gateway, deleted('container.file.deleted'), `${files}/${made.id}`, {
        method: 'DELETE',
      })
      await ask(gateway, problem, `${files}/${made.id}`, undefined, 404)
      await ask(gateway, problem, `${files}/${made.id}/content`, undefined, 404)
    })

    it('list the files that code wrote exactly like the upstream', async () => {
      const gateway = openHarness({ links })
      await gateway.ask('/openai/v1/responses', json(responseRequest('Save a CSV. [null bytes]')))
      const { data } = await ask(gateway, listOf(container), '/containers')
      const files = `/containers/${data[0]?.id}/files`
      const rows = await ask(gateway, listOf(containerFile), files)
      expect(rows.data.some(({ source, bytes }) => source === 'assistant' && bytes === null)).toBe(
        true,
      )
      expect(rows).toEqual(await (await gateway.upstream(files)).json())
    })
  },
)
