/**
 * The container operations of OpenAI's OpenAPI document, walked through the gateway; its shapes are restated here, and
 * nothing may be in an answer that they do not have.
 */

import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type Harness, json, openHarness, responseRequest } from '../harness.ts'

const unixSecond = z.int().min(1_600_000_000)
const containerId = z.string().regex(/^cntr_[0-9a-f]{48}$/)
const fileId = z.string().regex(/^cfile_[0-9a-f]{32}$/)

const container = z.strictObject({
  id: containerId,
  object: z.literal('container'),
  name: z.string(),
  created_at: unixSecond,
  status: z.string(),
  last_active_at: z.optional(unixSecond),
  expires_after: z.optional(
    z.strictObject({ anchor: z.literal('last_active_at'), minutes: z.int().positive() }),
  ),
  memory_limit: z.optional(z.enum(['1g', '4g', '16g', '64g'])),
  network_policy: z.optional(
    z.strictObject({
      type: z.enum(['allowlist', 'disabled']),
      allowed_domains: z.optional(z.array(z.string())),
    }),
  ),
})

const containerFile = z.strictObject({
  id: fileId,
  object: z.literal('container.file'),
  created_at: unixSecond,
  bytes: z.nullable(z.int().nonnegative()),
  container_id: containerId,
  path: z.string().startsWith('/mnt/data/'),
  source: z.enum(['user', 'assistant']),
})

const listOf = <T extends z.ZodType>(row: T) =>
  z.strictObject({
    object: z.literal('list'),
    data: z.array(row),
    // A string in the document, null on the wire for an empty list.
    first_id: z.nullable(z.string()),
    last_id: z.nullable(z.string()),
    has_more: z.boolean(),
  })

const deleted = (object: string) =>
  z.strictObject({ id: z.string(), object: z.literal(object), deleted: z.literal(true) })

const problem = z.object({
  error: z.object({
    message: z.string(),
    type: z.nullable(z.string()),
    param: z.nullable(z.string()),
    code: z.nullable(z.string()),
  }),
})

/** Asks and reads the answer by its schema; the media type and the status belong to it. */
async function ask<T extends z.ZodType>(
  gateway: Harness,
  schema: T,
  path: string,
  init?: RequestInit,
  status = 200,
): Promise<z.infer<T>> {
  const answer = await gateway.ask(`/openai/v1${path}`, init)
  expect([answer.status, answer.headers.get('content-type')], path).toEqual([
    status,
    expect.stringMatching(/^application\/json/),
  ])
  return schema.parse(await answer.json())
}

function form(text: string, name: string): RequestInit {
  const body = new FormData()
  body.set('file', new File([text], name))
  return { method: 'POST', body }
}

describe.each(['off', 'annotate', 'rewrite'] as const)(
  'the operations on containers, with links %s',
  (links) => {
    it('are those of the document: create, retrieve, list, delete', async () => {
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

    it('are those of the document: create a file, by form and by id, retrieve, list, read, delete', async () => {
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
      const upload = await ask(gateway, z.object({ id: z.string() }), '/files', {
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

    it('list what code wrote just as the upstream does', async () => {
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
