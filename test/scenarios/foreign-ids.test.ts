/** Ids of another owner, named beside things of the caller's own. */

import { expect, it } from 'vitest'
import { openCallers } from '../lib/callers.ts'
import { json, responseRequest } from '../lib/harness.ts'

const prompt = 'Save the numbers as a CSV.'

it('never asks upstream for another owner’s file in a container of the caller', async () => {
  const gateway = openCallers()
  const ann = await gateway.as('ann').answer(prompt)
  const bob = await gateway.as('bob').answer(prompt)
  await gateway.requests()
  const file = ann.file.file_id
  const container = bob.file.container_id
  const asks: [string, RequestInit?][] = [
    ['/links', json({ file_id: file, container_id: container })],
    [`/files/${file}?container_id=${container}`],
    [`/containers/${container}/files/${file}`],
    [`/openai/v1/files/${file}?container_id=${container}`, { method: 'DELETE' }],
  ]
  for (const [path, init] of asks) {
    expect((await gateway.as('bob').ask(path, init)).status, path).toBe(404)
  }
  expect(await gateway.requests()).toEqual([])
})

it('refuses another owner’s item under item_id before anything goes upstream', async () => {
  const gateway = openCallers()
  const ann = await gateway.as('ann').answer(prompt)
  const answer = await gateway.as('ann').ask(`/openai/v1/responses/${ann.id}`)
  const { output } = (await answer.json()) as { output: { id: string }[] }
  await gateway.requests()
  const input = [{ type: 'item_reference', item_id: output[0]?.id }]
  const body = json(responseRequest('hi', { input }))
  expect((await gateway.as('bob').ask('/openai/v1/responses', body)).status).toBe(404)
  expect(await gateway.requests()).toEqual([])
})
