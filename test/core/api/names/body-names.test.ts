import { describe, expect, it } from 'vitest'
import { type BodyNames, readBodyNames } from '../../../../src/core/api/names/body-names.ts'
import { atOnce } from '../../../lib/at-once.ts'

function read(body: unknown, isStrict?: boolean): BodyNames {
  const json = typeof body === 'string' ? body : JSON.stringify(body)
  return atOnce(readBodyNames(new TextEncoder().encode(json), isStrict))
}

/** All ids that a body names, of any kind. */
const ids = (body: unknown): string[] => Object.values(read(body).names).flat().sort()

/** All ids that it only carries. */
const carriedIds = (body: unknown): string[] => Object.values(read(body).carried).flat().sort()

const citation = { type: 'container_file_citation', container_id: 'cntr_9', file_id: 'cfile_9' }

describe('the ids that a body names', () => {
  it('are found at every place, each with its kind', () => {
    const { names, model } = read({
      model: 'm',
      previous_response_id: 'resp_1',
      conversation: { id: 'conv_1' },
      prompt: {
        id: 'pmpt_1',
        variables: { file_id: 'a text', text: { type: 'input_file', file_id: 'file-3' } },
      },
      tools: [
        { type: 'code_interpreter', container: { type: 'auto', file_ids: ['file-1'] } },
        { type: 'file_search', vector_store_ids: ['vs_1'] },
        { type: 'shell', environment: { type: 'container_reference', container_id: 'cntr_2' } },
      ],
      input: [
        { type: 'item_reference', id: 'msg_1' },
        { id: 'msg_2' },
        { role: 'user', content: [{ type: 'input_file', file_id: 'file-2' }] },
      ],
    })
    expect(model).toBe('m')
    expect(names).toEqual({
      response: ['resp_1'],
      conversation: ['conv_1'],
      container: ['cntr_2'],
      file: ['file-3', 'file-1', 'file-2'],
      thing: ['pmpt_1', 'vs_1', 'msg_1', 'msg_2'],
    })
  })

  it.each<[string, object, string[]]>([
    [
      'the rows of an eval run',
      { data_source: { source: { type: 'file_id', id: 'file-1' } } },
      ['file-1'],
    ],
    [
      'what an eval hands to a model',
      {
        data_source: {
          source: {
            content: [
              {
                item: {
                  container: 'a box',
                  id: 1,
                  messages: [{ content: [{ file_id: 'file-1' }, { file_id: '-' }] }],
                },
              },
            ],
          },
        },
      },
      ['file-1'],
    ],
    [
      'a message of a thread that is to be made',
      {
        thread: {
          messages: [
            {
              attachments: [{ file_id: 'file-1' }],
              content: [{ image_file: { file_id: 'file-2' } }],
            },
          ],
        },
      },
      ['file-1', 'file-2'],
    ],
    [
      'stores that are to be made with a thread',
      {
        tool_resources: {
          file_search: { vector_stores: [{ file_ids: ['file-1'], metadata: { file_id: 'x' } }] },
        },
      },
      ['file-1'],
    ],
    ['a skill', { skills: [{ type: 'skill_reference', skill_id: 'skill_1' }] }, ['skill_1']],
    ['a voice', { voice: { id: 'voice_1' } }, ['voice_1']],
    ['a video', { video: { id: 'video_1' } }, ['video_1']],
    [
      'sound of an earlier answer',
      { messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] },
      ['audio_1'],
    ],
    ['a container as an object', { tools: [{ container: { id: 'cntr_1' } }] }, ['cntr_1']],
    [
      'an item in the place of a list',
      { input: { type: 'item_reference', id: 'msg_1' } },
      ['msg_1'],
    ],
    [
      'an item in an object in the place of a list',
      { input: { 0: { id: 'msg_1', type: null } } },
      ['msg_1'],
    ],
    [
      'an item deep inside',
      { input: [[{ x: { type: 'item_reference', id: 'msg_1', status: 's' } }]] },
      ['msg_1'],
    ],
    [
      'thoughts without their content',
      { input: [{ type: 'reasoning', id: 'rs_1', summary: [{ text: 's' }] }] },
      ['rs_1'],
    ],
    [
      'a picture without its bytes',
      { input: [{ type: 'image_generation_call', id: 'ig_1', result: null }] },
      ['ig_1'],
    ],
    [
      'a replayed call',
      { input: [{ type: 'code_interpreter_call', id: 'ci_1', container_id: 'cntr_1' }] },
      ['cntr_1'],
    ],
    [
      'a citation outside an answer’s text',
      { input: [{ content: [{ type: 'input_text', annotations: [citation] }] }] },
      ['cfile_9', 'cntr_9'],
    ],
    [
      'outputs, instructions and arguments where they are not the API’s',
      {
        outputs: [{ file_id: 'file-1' }],
        instructions: { file_id: 'file-2' },
        arguments: { file_id: 'file-3' },
        text: { file_id: 'file-4' },
        annotations: [{ file_id: 'file-5' }],
        input: [{ metadata: { file_id: 'file-6' } }],
      },
      ['file-1', 'file-2', 'file-3', 'file-4', 'file-5', 'file-6'],
    ],
    [
      'a container in the place of an environment',
      { tools: [{ environment: 'cntr_1' }] },
      ['cntr_1'],
    ],
    ['a list of them', { tools: [{ environment: ['cntr_1', 'cntr_2'] }] }, ['cntr_1', 'cntr_2']],
    [
      'an environment by its id',
      { tools: [{ environment: { type: 'container_reference', id: 'cntr_1', more: 'x' } }] },
      ['cntr_1'],
    ],
    ['a file in the place of a source', { data_source: { source: 'file-1' } }, ['file-1']],
    ['a video as a text', { video: 'video_1' }, ['video_1']],
    ['a voice as a text', { voice: 'voice_1' }, ['voice_1']],
    ['a prompt as a text', { prompt: 'pmpt_1' }, ['pmpt_1']],
    ['sound as a text', { messages: [{ audio: 'audio_1' }] }, ['audio_1']],
    ['a thread as a text', { thread: 'thread_1' }, ['thread_1']],
    ['a workflow as a text', { workflow: 'wf_1' }, ['wf_1']],
    ['skills as texts', { tools: [{ environment: { skills: ['skill_1'] } }] }, ['skill_1']],
    [
      'pictures as texts',
      { input_reference: 'file-1', mask: 'file-2', images: ['file-3'], image_file: 'file-4' },
      ['file-1', 'file-2', 'file-3', 'file-4'],
    ],
    ['parts of an upload', { part_ids: ['part_1', 'part_2'] }, ['part_1', 'part_2']],
  ])('include %s', (_, body, named) => {
    expect(ids(body)).toEqual(named)
  })

  it.each<[string, object, string[]]>([
    [
      'citations in a text of an answer',
      {
        input: [
          {
            role: 'assistant',
            content: [{ annotations: [citation], type: 'output_text', text: '' }],
          },
        ],
      },
      ['cfile_9', 'cntr_9'],
    ],
    [
      'results of a search',
      {
        input: [
          {
            type: 'file_search_call',
            results: [
              { file_id: 'file-1', attributes: { container: 'x' } },
              { file_id: 'of_another_form' },
            ],
          },
        ],
      },
      ['file-1', 'of_another_form'],
    ],
    [
      'containers and their files under any other key',
      {
        tools: [
          { type: 'new', place: 'cntr_1', places: ['cntr_2', { at: 'cfile_1' }] },
          { type: 'container_auto' },
        ],
        input: 'cntr_3',
        prompt: 'cntr_4',
        voice: ['cntr_5'],
      },
      ['cfile_1', 'cntr_1', 'cntr_2', 'cntr_3', 'cntr_4', 'cntr_5'],
    ],
    [
      'objects with an id in the caller’s own rows',
      {
        data_source: { source: { content: [{ item: { id: 'r1', messages: [{ id: 'msg_1' }] } }] } },
      },
      ['msg_1'],
    ],
    [
      'keys of requests in the caller’s own rows',
      {
        data_source: {
          source: {
            content: [
              {
                item: { thread_id: 'T_1', item_id: 'I_1', conversation: 'hello', video: 'clip_1' },
                sample: { previous_response_id: 'R_1', thread: { id: 'T_2' } },
              },
            ],
          },
        },
        item: { assistant_id: 'A_1' },
      },
      ['A_1', 'I_1', 'R_1', 'T_1', 'T_2', 'clip_1', 'hello'],
    ],
  ])('do not include %s, which are carried', (_, body, carried) => {
    expect(ids(body)).toEqual([])
    expect(carriedIds(body)).toEqual(carried)
  })

  it.each(['cfile_9 ', 'cfile_9\n', 'cfile/9', '', 9, {}, ['cfile_9']])(
    'are not read with certainty in a citation of %j',
    (file_id) => {
      const annotations = [{ ...citation, file_id }]
      for (const content of [
        [{ type: 'output_text', annotations }],
        [{ annotations, type: 'output_text' }],
      ]) {
        expect(() => read({ input: [{ content }] })).toThrow('"file_id" is not the id of a file')
      }
    },
  )

  it.each([
    ['previous_response_id', ['cntr_1', 'cfile_1', 'file-1', 'vs_1', 'msg_1', 'conv_1']],
    ['conversation', ['cntr_1', 'cfile_1', 'assistant-1', 'msg_1', 'resp_1']],
  ])('are not read with certainty in a %s with the prefix of another kind', (key, wrong) => {
    for (const id of wrong) expect(() => read({ [key]: id })).toThrow(`"${key}" is not`)
    for (const id of ['resp_1', 'conv_1', 'caresp_1', '1']) {
      if (!wrong.includes(id)) expect(() => read({ [key]: id })).not.toThrow()
    }
  })

  it.each(['cntr_1 ', '\tcntr_1', 'cntr_1\0x', ' cntr_1\n'])(
    'are not read with certainty in an environment of %j',
    (environment) => {
      const refused = '"environment" is not an object with the "id" of a container'
      expect(() => read({ tools: [{ environment }] })).toThrow(refused)
      expect(() => read({ tools: [{ environment: [environment] }] })).toThrow(refused)
    },
  )

  it('are read with escapes under any key', () => {
    const escaped = String.raw`{"tools":[{"place":"\u0063ntr_1"}]}`
    expect(carriedIds(escaped)).toEqual(['cntr_1'])
  })

  it.each<[string, object]>([
    [
      'arguments of a call',
      { input: [{ type: 'function_call', arguments: { file_id: 'file-1' } }] },
    ],
    ['metadata', { metadata: { file_id: 'file-1' } }],
    [
      'attributes of a file',
      { attributes: { file_id: 'x' }, files: [{ attributes: { container: 'x' } }] },
    ],
    ['a schema', { tools: [{ parameters: { properties: { file_id: { type: 'string' } } } }] }],
    [
      'ids that a call alone knows',
      {
        input: [
          {
            type: 'computer_call_output',
            acknowledged_safety_checks: [{ id: 'cu_sc_1' }],
            output: {},
          },
        ],
        messages: [{ role: 'assistant', tool_calls: [{ id: 'call_1' }] }],
      },
    ],
    [
      'texts',
      {
        prompt: 'a text',
        voice: 'alloy',
        input: 'file_id',
        source: '{{item.id}}',
        tools: [{ type: 'computer_use_preview', environment: 'browser' }],
      },
    ],
    [
      'nothing',
      { previous_response_id: null, conversation: null, container: null, file_ids: null },
    ],
  ])('do not include %s', (_, body) => {
    expect(ids(body)).toEqual([])
  })

  it('do not include ids of items that the body contains in full', () => {
    const { names, carried } = read({
      input: [
        { id: 'msg_1', role: 'user', content: [{ type: 'input_text', text: 'hi' }] },
        { id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: 'x' },
      ],
    })
    expect(names.thing).toEqual([])
    expect(carried.thing).toEqual(['msg_1', 'rs_1'])
  })

  it('show that a request reads answers of all owners', () => {
    const source = (type: string) =>
      read({ data_source: { type: 'responses', source: { type } } }).readsAll
    expect([source('stored_completions'), source('responses'), source('file_content')]).toEqual([
      true,
      true,
      false,
    ])
  })

  it('are at most a thousand, each counted once, with those of earlier answers', () => {
    const files = (count: number) => Array.from({ length: count }, (_, at) => `file-${at}`)
    expect(read({ file_ids: [...files(1000), ...files(1000)] }).names.file).toHaveLength(1000)
    expect(() => read({ file_ids: files(1001) })).toThrow('more than 1000 things')
    const annotations = files(600).map((file_id) => ({ file_id }))
    const other = files(1200).map((file_id) => ({ file_id }))
    const quoted = (...parts: object[][]) => ({
      input: [{ content: parts.map((part) => ({ annotations: part, type: 'output_text' })) }],
    })
    expect(carriedIds(quoted(annotations, annotations))).toHaveLength(600)
    expect(() => read(quoted(annotations, other.slice(600)))).toThrow('more than 1000 things')
    expect(() => read(quoted(other))).toThrow('more than 1000 things')
  })

  it('are found as far as possible if nothing is refused', () => {
    expect(
      read('{"file_ids":"x","File_ID":1,"container":"auto","previous_response_id":"resp_1"}', false)
        .names,
    ).toMatchObject({ response: ['resp_1'], container: [], file: [] })
    expect(() => read('{"a":NaN}', false)).toThrow('not JSON')
  })

  it('are found correctly when keys are names of inherited properties', () => {
    const keys = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']
    for (const key of keys) {
      const nested = `{"${key}":{"${key}":[{"${key}":"x","file_id":"file-1"}]}}`
      expect(ids(nested)).toEqual(['file-1'])
    }
  })
})
