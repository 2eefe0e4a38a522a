import { describe, expect, it } from 'vitest'
import {
  type Citation,
  getCitations,
  getMentions,
} from '../../../../src/core/api/citations/citations.ts'
import {
  threadMessage,
  threadMessageDelta,
  threadMessageList,
  userMessage,
} from '../../../fixtures/assistants.ts'
import {
  brokenFiles,
  container,
  containerDeleted,
  containerList,
  emptyList,
  fileDeleted,
  refusals,
  uploadedFile,
  uploadedToFilesApi,
} from '../../../fixtures/http.ts'
import {
  assistantFileId,
  chartId,
  containerId,
  conversationId,
  otherContainerId,
  plotId,
  responseId,
  tableId,
  uploadId,
} from '../../../fixtures/ids.ts'
import {
  chartCitation,
  chartText,
  codeCall,
  message,
  openaiResponse,
  plotCitation,
  requestWithHistory,
  responseOfShell,
  responseWithImageLink,
  responseWithOneCitation,
  responseWithOutputs,
  responseWithoutCitation,
  responseWithTwoCitations,
  shellCall,
  tableCitation,
} from '../../../fixtures/responses.ts'
import { annotationEvent, eventsWithCitation } from '../../../fixtures/streams.ts'
import {
  toolboxOutputs,
  toolboxResponse,
  toolCallBodies,
  toolFiles,
} from '../../../fixtures/tool-results.ts'

/** The citation expected for an annotation. */
function cited({ type: _, ...citation }: { type: string } & Citation): Citation {
  return citation
}

const chart = cited(chartCitation)
const plot = cited(plotCitation)
const table = cited(tableCitation)
const nothing = { responses: [], conversations: [], containers: [], citations: [] }

describe('getCitations of a Responses object', () => {
  it('finds the automatic plot and the saved chart of one message, in order', () => {
    expect(getCitations(responseWithTwoCitations)).toEqual([plot, chart])
  })

  it('finds what OpenAI writes with its members in another order', () => {
    expect(getCitations(responseWithOneCitation)).toEqual([table])
    expect(getCitations(responseWithOutputs)).toEqual([plot, chart])
    expect(getCitations(responseWithImageLink).map(({ file_id }) => file_id)).toEqual([chartId])
  })

  it('finds citations in every message and every part', () => {
    const twoParts = {
      type: 'message',
      role: 'assistant',
      content: [
        { type: 'output_text', text: '', annotations: [plotCitation] },
        { type: 'refusal', refusal: 'no' },
        { type: 'output_text', text: '', annotations: [tableCitation] },
      ],
    }
    const response = openaiResponse([message(chartText, [chartCitation]), codeCall(''), twoParts])
    expect(getCitations(response)).toEqual([chart, plot, table])
  })

  it('accepts a response that was cut down to its output', () => {
    expect(getCitations({ output: [message(chartText, [chartCitation])] })).toEqual([chart])
  })

  it('returns a file once if it is cited twice, with the name from the later mention', () => {
    const unnamed = { ...chartCitation, filename: undefined }
    expect(
      getCitations(openaiResponse([message('', [unnamed, plotCitation, chartCitation])])),
    ).toEqual([chart, plot])
  })

  it('distinguishes two containers that have a file with the same id', () => {
    const elsewhere = { ...chartCitation, container_id: otherContainerId }
    const found = getCitations(openaiResponse([message('', [chartCitation, elsewhere])]))
    expect(found.map(({ container_id }) => container_id)).toEqual([containerId, otherContainerId])
  })

  it('leaves out quotations and web pages, which are not files', () => {
    const annotations = [
      { type: 'file_citation', file_id: uploadId, index: 3, filename: 'book.pdf' },
      { type: 'url_citation', url: 'https://example.com/cfile_a', title: 'a', start_index: 0 },
    ]
    expect(getCitations(openaiResponse([message('', annotations)]))).toEqual([])
  })

  it('finds a file of the Files API that a response refers to', () => {
    const annotation = { type: 'file_path', file_id: uploadId, index: 12 }
    expect(getCitations(openaiResponse([message('', [annotation])]))).toEqual([
      { file_id: uploadId },
    ])
  })

  it('leaves out ids that could change the path of a URL, and pairs of ids from two APIs', () => {
    const annotations = [
      { ...chartCitation, file_id: `${chartId}/../..` },
      { ...chartCitation, container_id: '../admin' },
      { ...chartCitation, container_id: uploadId },
      { ...chartCitation, file_id: containerId },
      { ...chartCitation, file_id: `cfile_${'a'.repeat(200)}` },
      { ...chartCitation, container_id: null },
      { ...chartCitation, file_id: [chartId] },
      { type: 'file_path', file_id: chartId },
    ]
    expect(getCitations(openaiResponse([message('', annotations)]))).toEqual([])
  })

  it('keeps a file whose name or span has a wrong type, without name or span', () => {
    const odd = { ...chartCitation, filename: { toString: 1 }, start_index: '0', end_index: -1 }
    expect(getCitations(openaiResponse([message('', [odd])]))).toEqual([
      { container_id: containerId, file_id: chartId },
    ])
  })
})

describe('getCitations of a part of an answer', () => {
  it('finds the file in each event that cites it', () => {
    const citing = eventsWithCitation.filter((event) => getCitations(event).length > 0)
    expect(citing.map(({ type }) => type)).toEqual([
      'response.output_text.annotation.added',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    for (const event of citing) expect(getCitations(event)).toEqual([chart])
  })

  it.each([
    'response.created',
    'response.in_progress',
    'response.queued',
    'response.incomplete',
    'response.failed',
  ])('finds the file in %s of a resumed stream', (type) => {
    expect(getCitations({ type, response: responseWithTwoCitations })).toEqual([plot, chart])
  })

  it('accepts an annotation, a part or a message on its own', () => {
    expect(getCitations(annotationEvent)).toEqual([chart])
    expect(getCitations(tableCitation)).toEqual([table])
    expect(getCitations(table)).toEqual([table])
    expect(getCitations({ type: 'output_text', annotations: [chartCitation] })).toEqual([chart])
    expect(getCitations(message('', [chartCitation]))).toEqual([chart])
  })

  it('accepts absent values that a serialiser wrote as null', () => {
    expect(getCitations({ ...table, type: null, object: null })).toEqual([table])
    expect(getCitations(message('', [chartCitation], { role: null, object: null }))).toEqual([
      chart,
    ])
  })
})

describe('getCitations of Assistants messages', () => {
  const files = [
    { file_id: uploadId, filename: 'rows.csv', start_index: 13, end_index: 39 },
    { file_id: assistantFileId },
  ]

  it('finds linked files and pictures, by the Files API’s ids', () => {
    expect(getCitations(threadMessage)).toEqual(files)
    expect(getCitations(threadMessageList)).toEqual([{ file_id: assistantFileId }])
    expect(getCitations({ object: 'list', data: [threadMessage] })).toEqual(files)
  })

  it('finds them in the events of a stream, as sent and as SDKs pass them on', () => {
    expect(getCitations(threadMessageDelta)).toEqual([...files].reverse())
    expect(getCitations({ event: 'thread.message.completed', data: threadMessage })).toEqual(files)
  })

  it('grants no file from a message of the user', () => {
    expect(getMentions(userMessage)).toMatchObject(nothing)
    expect(getMentions({ object: 'list', data: [userMessage] })).toMatchObject(nothing)
  })
})

describe('getCitations of tool results', () => {
  const types = ['function_call_output', 'mcp_call', 'custom_tool_call_output']
  const forms = Object.entries(toolboxOutputs)

  it.each(forms)('finds what a toolbox reports as %s', (_, output) => {
    for (const type of types) {
      expect(getCitations(toolboxResponse(type, output)), type).toEqual(toolFiles)
      expect(getCitations({ type, output }), type).toEqual(toolFiles)
    }
    const event = { type: 'response.output_item.done', item: { type: 'mcp_call', output } }
    expect(getCitations(event)).toEqual(toolFiles)
  })

  it('finds a container that a toolbox names once for all its files, and one without files', () => {
    const named = { container_id: containerId, container_file_citations: [{ file_id: chartId }] }
    expect(getCitations(toolboxResponse('mcp_call', { _meta: named }))).toEqual([
      { container_id: containerId, file_id: chartId },
    ])
    const bare = { container_id: containerId }
    for (const output of [{ _meta: bare }, bare, JSON.stringify(bare), [{ text: bare }]]) {
      for (const type of types) {
        expect(getMentions(toolboxResponse(type, output)).containers).toEqual([containerId])
      }
    }
    const foreign = toolboxResponse('mcp_call', { container_id: 'docker-1' })
    expect(getMentions(foreign).containers).toEqual([])
  })

  it('does not read the printed output of a program as a toolbox result', () => {
    const [output] = Object.values(toolboxOutputs).filter((form) => typeof form === 'string')
    const printed = { type: 'shell_call_output', output: [{ stdout: output, stderr: output }] }
    expect(getCitations(openaiResponse([printed, codeCall('', { outputs: [output] })]))).toEqual([])
    expect(getCitations(openaiResponse([message(String(output), [])]))).toEqual([])
  })

  it.each(Object.entries(toolCallBodies))('finds the files of tool calls %s', (_, body) => {
    expect(getCitations(body)).toEqual(toolFiles)
  })
})

describe('getMentions', () => {
  it('finds response, conversation and container in addition to the files', () => {
    expect(getMentions(responseWithTwoCitations)).toEqual({
      responses: [responseId],
      turns: [{ response: responseId, conversation: conversationId, container: containerId }],
      conversations: [conversationId],
      containers: [containerId],
      citations: [plot, chart],
      items: ['ci_0a5e68b0f003', 'msg_0a5e68b0f004'],
    })
    expect(getMentions({ object: 'response', conversation: conversationId }).conversations).toEqual(
      [conversationId],
    )
  })

  it('finds a container in which code ran without a citation, so that its files can be listed', () => {
    expect(getMentions(responseWithoutCitation).containers).toEqual([containerId])
    expect(getMentions(responseOfShell).containers).toEqual([containerId])
    expect(getMentions(shellCall).containers).toEqual([containerId])
    const added = eventsWithCitation.find(({ type }) => type === 'response.output_item.added')
    expect(getMentions(added).containers).toEqual([containerId])
  })

  it('grants nothing for a request, whose history the caller wrote', () => {
    expect(getMentions(requestWithHistory)).toEqual(nothing)
  })

  it('grants nothing for the parts of a response that repeat its request', () => {
    const words = [message('', [chartCitation]), codeCall('')]
    const echo = openaiResponse([message('', [chartCitation], { role: 'user' })], {
      id: undefined,
      input: words,
      instructions: words,
      metadata: { output: JSON.stringify(words), ...chartCitation },
      tools: [{ type: 'code_interpreter', container: containerId }, chartCitation],
      previous_response_id: responseId,
      prompt: { variables: { a: chartCitation } },
    })
    expect(getMentions(echo)).toEqual(nothing)
  })

  it('grants nothing for lists of items and compactions, which contain the caller’s text', () => {
    const data = [message('', [chartCitation]), codeCall(''), shellCall, chartCitation]
    expect(getMentions({ object: 'list', data })).toEqual(nothing)
    expect(getMentions({ object: 'response.compaction', id: responseId, output: data })).toEqual(
      nothing,
    )
    expect(getMentions({ object: 'conversation', id: conversationId, items: data })).toEqual(
      nothing,
    )
  })

  it.each([
    ['containers', [container, containerList, containerDeleted]],
    ['files', [uploadedFile, ...brokenFiles, fileDeleted, uploadedToFilesApi, emptyList]],
    ['refusals', Object.values(refusals)],
  ])('grants nothing for the API’s %s, which any caller may request', (_, bodies) => {
    for (const body of bodies) expect(getMentions(body)).toEqual(nothing)
  })
})

describe('the fixtures', () => {
  it('have the same spans as the service’s answers', () => {
    expect(chartText.slice(chart.start_index, chart.end_index)).toBe(
      'sandbox:/mnt/data/profit_by_year.png',
    )
    expect([plotId, tableId].every((id) => /^cfile_[0-9a-f]{32}$/.test(id))).toBe(true)
  })
})
