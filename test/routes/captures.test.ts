import { describe, expect, it } from 'vitest'
import { ownerKey } from '../../src/gateway/owners/access.ts'
import { type Answered, openCallers, refusal } from '../lib/callers.ts'
import { type CitedFile, errorCode, grantIn, json, openHarness } from '../lib/harness.ts'

const prompt = 'Save the numbers as a CSV.'

/** The envelope in which some gateways pass on the output of a tool. */
function toolResult(...files: Partial<CitedFile>[]) {
  const output = JSON.stringify({ files })
  return { choices: [], tool_calls: [{ type: 'function', function: { name: 'run', output } }] }
}

async function capturedFiles(answer: Response) {
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { files: (CitedFile & { download_url: string })[] }).files
}

describe('POST /captures', () => {
  it('records a file that the gateway has not seen, and returns a link to it', async () => {
    const gateway = openCallers()
    const bodies = (answered: Answered) => [
      answered.body,
      { response_id: answered.id },
      toolResult(answered.file),
    ]
    for (const which of [0, 1, 2]) {
      const answered = await gateway.answerDirectly(prompt)
      const { file_id } = answered.file
      expect((await gateway.as('ann').ask(`/files/${file_id}`)).status).toBe(404)
      const files = await capturedFiles(
        await gateway.as('ann').ask('/captures', json(bodies(answered)[which])),
      )
      const link = files.find((file) => file.file_id === file_id)?.download_url ?? ''
      expect((await gateway.as('ann').ask(`/files/${file_id}`)).status).toBe(200)
      expect((await gateway.ask(link.slice('http://127.0.0.1:8787'.length))).status).toBe(200)
      expect((await gateway.as('bob').ask(`/files/${file_id}`)).status).toBe(404)
    }
  })

  it('can be repeated, also for a container that other owners have joined', async () => {
    const gateway = openCallers()
    const { body, file } = await gateway.as('ann').answer(prompt)
    await gateway.give('bob', 'container', file.container_id)
    expect(await capturedFiles(await gateway.as('ann').ask('/captures', json(body)))).toMatchObject(
      [{ file_id: file.file_id }],
    )
  })

  it('records nothing at all when one of the things belongs to another owner', async () => {
    const gateway = openCallers()
    const { body, file } = await gateway.as('ann').answer(prompt)
    const loose = (await gateway.answerDirectly(prompt)).file
    const posts = [
      body,
      toolResult(file),
      toolResult(loose, file),
      toolResult({ ...loose, container_id: file.container_id }),
      toolResult({ ...file, container_id: loose.container_id }),
    ]
    for (const post of posts) {
      const answer = await gateway.as('bob').ask('/captures', json(post))
      expect([answer.status, await errorCode(answer)]).toEqual([404, 'file_not_found'])
    }
    for (const { file_id } of [file, loose]) {
      expect((await gateway.as('bob').ask(`/files/${file_id}`)).status).toBe(404)
    }
  })

  it('refuses an answer that continues in another owner’s container or response', async () => {
    const gateway = openCallers()
    const { id, file } = await gateway.as('ann').answer(prompt)
    const { container_id } = file
    const own = await gateway.as('bob').answer(prompt)
    const posts = [
      { tools: [{ type: 'code_interpreter', container: container_id }] },
      { tools: [{ type: 'shell', environment: { type: 'container_reference', container_id } }] },
      { previous_response_id: id },
    ]
    for (const post of posts) {
      for (const name of ['resp_made_up', own.id]) {
        const response = { object: 'response', id: name, output: [], ...post }
        const answer = await gateway.as('bob').ask('/captures', json(response))
        expect(answer.status, JSON.stringify(post)).toBe(404)
      }
    }
  })

  it('records no file of a shared container that was never cited to the caller', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer(prompt)
    await gateway.give('bob', 'container', file.container_id)
    const guess = { ...file, file_id: 'cfile_of_ann_uncited' }
    const answer = await gateway.as('bob').ask('/captures', json(toolResult(guess)))
    expect(answer.status).toBe(404)
  })

  it('asks the upstream for every response id, with the same answer for missing and for foreign responses', async () => {
    const gateway = openCallers()
    const { id, file } = await gateway.as('ann').answer(prompt)
    const refused = []
    for (const response_id of [id, 'resp_of_nobody']) {
      await gateway.requests()
      refused.push(await refusal(await gateway.as('bob').ask('/captures', json({ response_id }))))
      expect((await gateway.requests()).map(({ path }) => path)).toEqual([
        expect.stringContaining(response_id),
      ])
    }
    expect(refused[0]).toMatchObject({ status: 404, error: { code: 'not_found' } })
    expect(refused[1]).toEqual(refused[0])
    expect((await gateway.as('bob').ask(`/files/${file.file_id}`)).status).toBe(404)
    const own = await gateway.as('ann').ask('/captures', json({ response_id: id }))
    expect(own.status).toBe(200)
  })

  it('records no file of another owner through a response without an owner', async () => {
    const gateway = openCallers()
    const { id, file } = await gateway.answerDirectly(prompt)
    await capturedFiles(await gateway.as('ann').ask('/captures', json(toolResult(file))))
    const answer = await gateway.as('bob').ask('/captures', json({ response_id: id }))
    expect([answer.status, await errorCode(answer)]).toEqual([404, 'not_found'])
    expect((await gateway.as('bob').ask(`/files/${file.file_id}`)).status).toBe(404)
  })

  it('keeps the owner of a thing that an admin captures', async () => {
    const gateway = openCallers()
    const { body, file } = await gateway.as('ann').answer(`${prompt} [uncited]`)
    const [captured] = await capturedFiles(await gateway.as('admin').ask('/captures', json(body)))
    expect(grantIn(captured?.download_url ?? '').owner).toBe(await ownerKey('ann'))
    const list = await gateway.upstream(`/containers/${file.container_id}/files`)
    const { data } = (await list.json()) as { data: { id: string }[] }
    for (const { id } of data) {
      const path = `/containers/${file.container_id}/files/${id}`
      expect((await gateway.as('ann').ask(path)).status).toBe(200)
    }
  })

  it('accepts only response ids with CFILE_CAPTURES=response_id', async () => {
    const gateway = openCallers({ captures: 'response_id' })
    const { id, body, file } = await gateway.answerDirectly(prompt)
    const posts = [json(body), json(toolResult(file)), json({})]
    const transcript = { 'content-type': 'text/event-stream' }
    posts.push({ method: 'POST', body: 'data: {}\n\n', headers: transcript })
    for (const post of posts) {
      const answer = await gateway.as('ann').ask('/captures', post)
      expect([answer.status, await errorCode(answer)]).toEqual([400, 'invalid_request'])
    }
    expect((await gateway.as('ann').ask(`/files/${file.file_id}`)).status).toBe(404)
    const named = await gateway.as('ann').ask('/captures', json({ response_id: id }))
    expect(await capturedFiles(named)).toMatchObject([{ file_id: file.file_id }])
  })

  it('refuses an unknown body and names the accepted ones', async () => {
    const gateway = openHarness()
    const posts: RequestInit[] = [
      json({}),
      json({ files: [{ container_id: 'cntr_1', file_id: 'cfile_1' }] }),
      { method: 'POST', body: 'data: {}\n\n', headers: { 'content-type': 'text/event-stream' } },
      { method: 'POST', body: '', headers: { 'content-type': 'text/event-stream' } },
    ]
    for (const post of posts) {
      const answer = await gateway.ask('/captures', post)
      expect(answer.status).toBe(400)
      const { error } = (await answer.json()) as { error: { code: string; message: string } }
      expect(error.code).toBe('invalid_request')
      for (const shape of [
        'Responses',
        'response_id',
        'text/event-stream',
        'tool_calls',
        'raw_item',
      ]) {
        expect(error.message).toContain(shape)
      }
    }
  })

  it('accepts an answer without files as one without citations', async () => {
    const gateway = openHarness()
    for (const body of [{ object: 'response', id: 'resp_1', output: [] }, { output: [] }]) {
      expect(await capturedFiles(await gateway.ask('/captures', json(body)))).toEqual([])
    }
  })

  it('records bodies that SDKs return instead of the raw answer', async () => {
    const gateway = openCallers()
    const { file } = await gateway.answerDirectly(prompt)
    const annotation = { type: 'container_file_citation', ...file }
    const value = { type: 'non_standard_annotation', value: annotation }
    const message = { type: 'ai', content: [{ type: 'text', text: '', annotations: [value] }] }
    expect(
      await capturedFiles(await gateway.as('ann').ask('/captures', json(message))),
    ).toMatchObject([{ file_id: file.file_id }])
    expect((await gateway.as('ann').ask(`/files/${file.file_id}`)).status).toBe(200)
    const answer = await gateway.as('bob').ask('/captures', json(message))
    expect([answer.status, await errorCode(answer)]).toEqual([404, 'file_not_found'])
  })

  it.each<[string, string]>([
    ['the response', '{"response_id":"resp_a","response_id":"resp_b"}'],
    ['an escaped key', '{"response_id":"resp_a","response\\u005fid":"resp_b"}'],
    [
      'a citation',
      '{"output":[{"container_id":"cntr_a","file_id":"cfile_a","file_id":"cfile_b"}]}',
    ],
    ['any object', '{"output":[],"metadata":{"a":1,"b":[{"a":2}],"a":3}}'],
  ])('refuses a body that has a key twice in %s', async (_, body) => {
    const gateway = openCallers()
    const answer = await gateway.as('ann').ask('/captures', { method: 'POST', body })
    expect(await refusal(answer)).toMatchObject({ status: 400, error: { code: 'invalid_request' } })
    expect(await gateway.requests()).toEqual([])
  })

  it('explains the fault of an unreadable body', async () => {
    const gateway = openHarness({ maxBodyBytes: 1000 })
    const posts: [body: string, status: number, code: string][] = [
      ['', 400, 'invalid_request'],
      ['[]', 400, 'invalid_request'],
      ['{"response_id": 5}', 400, 'invalid_id'],
      ['{"response_id": "../files"}', 400, 'invalid_id'],
      [JSON.stringify({ x: 'x'.repeat(1000) }), 413, 'payload_too_large'],
    ]
    for (const [body, status, code] of posts) {
      const answer = await gateway.ask('/captures', { method: 'POST', body })
      expect([answer.status, await errorCode(answer)], body).toEqual([status, code])
    }
    const got = await gateway.ask('/captures')
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST'])
    expect(await gateway.requests()).toEqual([])
  })
})
