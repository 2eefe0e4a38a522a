/**
 * Results of tools in answers. Callers choose tool servers themselves, so a result can name anything.
 */

import { describe, expect, it } from 'vitest'
import { apiKey } from '../../src/azure/credentials.ts'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { openCallers } from '../lib/callers.ts'
import { json, responseRequest } from '../lib/harness.ts'

const endpoint = 'http://emulator.localhost'

/** A gateway whose upstream answers a request with `report` with that item and a link of the model. */
function openTools() {
  const emulator = createEmulator({ now: () => 1_790_000_000 })
  let reported: object | undefined
  let isStream = false
  const message = {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    content: [{ type: 'output_text', text: '[out](sandbox:/mnt/data/out.csv)', annotations: [] }],
  }
  const answer = () => {
    const response = { object: 'response', id: 'resp_tool', output: [reported, message] }
    if (!isStream) return Response.json(response)
    const events = [
      { type: 'response.output_item.done', output_index: 0, item: reported },
      { type: 'response.output_item.done', output_index: 1, item: message },
      { type: 'response.completed', response },
    ]
    const text = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    return new Response(text.join(''), { headers: { 'content-type': 'text/event-stream' } })
  }
  const gateway = openCallers({
    links: 'rewrite',
    upstreams: [
      {
        name: 'one',
        endpoint,
        credential: apiKey('a-secret-key'),
        fetch: async (input, init) =>
          reported === undefined ? emulator.fetch(new Request(input, init)) : answer(),
      },
    ],
  })
  /** Sends a request of an owner whose answer holds a tool's result. Returns the answer's text. */
  async function report(owner: 'ann' | 'bob', item: object, stream: boolean): Promise<string> {
    reported = item
    isStream = stream
    const body = json(responseRequest('hi', { stream }))
    const text = await (await gateway.as(owner).ask('/openai/v1/responses', body)).text()
    reported = undefined
    return text
  }
  return { gateway, report }
}

interface Named {
  readonly container_id: string
  readonly file_id?: string
}

const forms: Record<string, (named: Named) => object> = {
  'the container of an MCP result': ({ container_id }) => ({
    type: 'mcp_call',
    id: 'mcp_1',
    output: JSON.stringify({ container_id }),
  }),
  'citations in the metadata of an MCP result': ({ container_id, file_id }) => ({
    type: 'mcp_call',
    id: 'mcp_1',
    output: JSON.stringify({
      _meta: { container_file_citations: [{ container_id, file_id, filename: 'out.csv' }] },
    }),
  }),
  'a file of the Files API': ({ file_id }) => ({
    type: 'function_call_output',
    call_id: 'call_1',
    output: JSON.stringify({ container_file_citations: [{ file_id }] }),
  }),
  'metadata beside the result of a custom tool': ({ container_id, file_id }) => ({
    type: 'custom_tool_call_output',
    call_id: 'call_1',
    output: 'done',
    _meta: { container_file_citations: [{ container_id, file_id }] },
  }),
}

describe.each(Object.entries(forms))('a tool’s result with %s', (_, write) => {
  it.each([false, true])('opens nothing of another owner, stream: %s', async (stream) => {
    const { gateway, report } = openTools()
    const { file } = await gateway.as('ann').answer('Save "out.csv".')
    const form = new FormData()
    form.set('purpose', 'assistants')
    form.set('file', new File(['secret'], 'a.csv'))
    const uploaded = await gateway.as('ann').ask('/openai/v1/files', { method: 'POST', body: form })
    const { id } = (await uploaded.json()) as { id: string }
    const isFile = write({ container_id: file.container_id, file_id: id })
    const item = JSON.stringify(isFile).includes('cntr_') ? write(file) : isFile
    const text = await report('bob', item, stream)
    const bob = gateway.as('bob')
    expect(text).not.toContain('/s/')
    for (const path of [
      `/files/${file.file_id}`,
      `/containers/${file.container_id}`,
      `/openai/v1/containers/${file.container_id}`,
      `/openai/v1/files/${id}/content`,
    ]) {
      expect((await bob.ask(path)).status, path).toBe(404)
    }
    const tools = [{ type: 'code_interpreter', container: file.container_id }]
    const turn = await bob.ask('/openai/v1/responses', json(responseRequest('hi', { tools })))
    expect(turn.status).toBe(404)
    expect((await gateway.as('ann').ask(`/files/${file.file_id}`)).status).toBe(200)
  })
})

it.each([false, true])(
  'a tool’s result opens files that no other owner has, and their links, stream: %s',
  async (stream) => {
    const { gateway, report } = openTools()
    const named = { container_id: `cntr_${'7'.repeat(48)}`, file_id: `cfile_${'7'.repeat(32)}` }
    const write = forms['citations in the metadata of an MCP result']
    const text = await report('bob', write?.(named) ?? {}, stream)
    expect(text).toContain('/s/')
    const made = json(named)
    expect((await gateway.as('bob').ask('/links', made)).status).toBe(200)
    expect((await gateway.as('ann').ask('/links', made)).status).toBe(404)
  },
)
