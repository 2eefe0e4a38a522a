/**
 * Answers as SDKs hand them on: LangChain (Python 1.x, JavaScript 1.x), AI SDK 5 and later, Agents SDK.
 */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readPosted } from '../../../../src/core/api/citations/posted-answer.ts'

const container_id = `cntr_${'6a'.repeat(24)}`
const file_id = `cfile_${'6b'.repeat(16)}`
const filename = 'sales.csv'
const annotation = {
  type: 'container_file_citation',
  container_id,
  file_id,
  filename,
  start_index: 10,
  end_index: 37,
}
const item = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'See the file.', annotations: [annotation] }],
}
const call = { type: 'code_interpreter_call', id: 'ci_1', container_id, code: 'x', outputs: null }

const textOf = (annotations: unknown) => [{ type: 'text', text: 'See the file.', annotations }]
const python = { type: 'non_standard_annotation', value: annotation }
const script = {
  type: 'citation',
  source: 'container_file_citation',
  title: filename,
  startIndex: 10,
  endIndex: 37,
  file_id,
  container_id,
}
const aiMessage = {
  content: textOf([python]),
  additional_kwargs: {},
  response_metadata: { id: 'resp_1' },
  type: 'ai',
  id: 'resp_1',
}

const metadata = (provider: string) => ({
  [provider]: { type: 'container_file_citation', fileId: file_id, containerId: container_id },
})
const source = {
  type: 'source',
  sourceType: 'document',
  id: 'src-1',
  mediaType: 'text/plain',
  title: filename,
  filename,
  providerMetadata: metadata('azure'),
}
const { id: sourceId, sourceType: _, ...rest } = source
const uiSource = { ...rest, type: 'source-document', sourceId }

const run = { type: 'message_output_item', raw_item: item, agent: { name: 'Analyst' } }
const moved = {
  type: 'message_output_item',
  rawItem: {
    ...item,
    content: [{ type: 'output_text', text: 'See.', providerData: { annotations: [annotation] } }],
  },
}

const shapes: readonly [name: string, body: object][] = [
  ['a message of LangChain in Python', aiMessage],
  ['a message of LangChain, as messages_to_dict writes it', { type: 'ai', data: aiMessage }],
  [
    'a message of LangChain, as dumpd and JSON.stringify write it',
    { lc: 1, type: 'constructor', id: ['langchain_core', 'AIMessage'], kwargs: aiMessage },
  ],
  ['a message of LangChain in JavaScript', { content: textOf([script]), additional_kwargs: {} }],
  ['the state of a LangChain agent', { messages: [{ type: 'human', content: 'Hi' }, aiMessage] }],
  ['an annotation of LangChain in Python', python],
  ['a block of LangChain', textOf([python])[0] ?? {}],
  ['a source part of the AI SDK', source],
  ['a source part, by the OpenAI provider', { ...source, providerMetadata: metadata('openai') }],
  ['a source part of a UI message', uiSource],
  ['a UI message of the AI SDK', { id: '1', role: 'assistant', parts: [uiSource] }],
  ['the sources of the AI SDK', { text: 'See.', sources: [source] }],
  ['a result of the AI SDK', { steps: [{ content: [{ type: 'text', text: 'See.' }, source] }] }],
  [
    'a text part of the AI SDK',
    {
      role: 'assistant',
      content: [
        {
          type: 'text',
          text: 'See.',
          providerOptions: { azure: { itemId: 'msg_1', annotations: [annotation] } },
        },
      ],
    },
  ],
  ['an item of the Agents SDK in Python', run],
  ['an item of the Agents SDK in JavaScript', moved],
  ['the items of the Agents SDK', { new_items: [run], final_output: 'See.' }],
  ['an event of the Agents SDK', { type: 'run_item_stream_event', name: 'm', item: run }],
  ['the responses of the Agents SDK', { raw_responses: [{ output: [item], usage: {} }] }],
]

describe('readPosted', () => {
  it.each(shapes)('finds the file in %s', (_name, body) => {
    const wired: object = JSON.parse(JSON.stringify(body))
    expect(readPosted({ ...wired })?.citations).toEqual([
      expect.objectContaining({ container_id, file_id, filename }),
    ])
  })

  it('finds the container of a call that wrote no cited file', () => {
    const calls = [
      { type: 'tool_call_item', raw_item: call },
      {
        type: 'tool_call_item',
        rawItem: { type: 'hosted_tool_call', name: call.type, providerData: call },
      },
      { type: 'tool-code_interpreter', input: { code: 'x', containerId: container_id } },
    ]
    for (const one of calls) {
      expect(readPosted({ content: [one] })?.containers, JSON.stringify(one)).toEqual([
        container_id,
      ])
    }
  })

  it('ignores files in the input of the model', () => {
    for (const body of [
      { messages: [{ ...aiMessage, type: 'human' }] },
      { messages: [{ role: 'user', parts: [uiSource] }] },
      { new_items: [{ raw_item: { ...item, role: 'user' } }] },
    ]) {
      expect(readPosted(body)?.citations, JSON.stringify(body)).toEqual([])
    }
  })

  it('distinguishes an answer without files from other bodies', () => {
    const empty = [
      { object: 'response', output: [] },
      { output: [] },
      { object: 'chat.completion', choices: [{ message: { content: 'Hi' } }] },
      { object: 'list', data: [] },
      { role: 'assistant', content: 'Hi' },
      { type: 'ai', data: { content: 'Hi' } },
      { role: 'assistant', parts: [] },
      { type: 'reasoning_item', raw_item: { type: 'reasoning' } },
      { type: 'response.created', response: { object: 'response', output: [] } },
    ]
    for (const body of empty) expect(readPosted(body)?.citations, JSON.stringify(body)).toEqual([])
    const none = [
      {},
      { hello: 'world' },
      { error: { message: 'no' } },
      { files: [{ container_id, file_id }] },
      { object: 'list', data: [{ object: 'container.file', id: file_id, container_id }] },
      { id: container_id, object: 'container' },
      { content: 'Hi' },
      { item: { content: {} } },
      { sources: 'none' },
      { output: 'Hi' },
    ]
    for (const body of none) expect(readPosted(body), JSON.stringify(body)).toBeUndefined()
  })

  it('reads any JSON without an error, and at any depth in short time', () => {
    fc.assert(fc.property(fc.object({ maxDepth: 6 }), (body) => void readPosted({ ...body })))
    let deep: object = source
    for (let depth = 0; depth < 10_000; depth += 1) deep = { content: [deep] }
    expect(readPosted({ content: [deep] })?.citations).toEqual([])
  })
})
