import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { getCitations, getMentions } from '../../../src/core/api/citations/citations.ts'
import { isContainerFileId, isContainerId, isFileId } from '../../../src/core/ids.ts'
import { threadMessage, threadMessageDelta, threadMessageList } from '../../fixtures/assistants.ts'
import { chartId, containerId } from '../../fixtures/ids.ts'
import {
  chartCitation,
  codeCall,
  message,
  openaiResponse,
  plotCitation,
  responseOfShell,
  responseWithTwoCitations,
} from '../../fixtures/responses.ts'
import { annotationEvent, eventsWithCitation } from '../../fixtures/streams.ts'
import {
  toolboxOutputs,
  toolboxResponse,
  toolCallBodies,
  toolFiles,
} from '../../fixtures/tool-results.ts'
import { rounds } from '../../lib/rounds.ts'

const { type: _, ...chart } = chartCitation
const nothing = { responses: [], conversations: [], containers: [], citations: [] }

const answers: unknown[] = [
  responseWithTwoCitations,
  responseOfShell,
  threadMessage,
  threadMessageList,
  threadMessageDelta,
  annotationEvent,
  ...eventsWithCitation.filter(({ type }) => !type.endsWith('.delta')),
  ...Object.values(toolboxOutputs).map((output) => toolboxResponse('mcp_call', output)),
  ...Object.values(toolCallBodies),
]

const replacement = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(
    '',
    '{',
    '[[]]',
    'list',
    'assistant',
    containerId,
    `${chartId}/..`,
    'a'.repeat(129),
  ),
  fc.constantFrom(...answers),
  fc.constantFrom(...answers).map((answer) => JSON.stringify(answer)),
)

/** An answer in which some parts were replaced by other values. */
const spoiltAnswer = fc
  .tuple(
    fc.constantFrom(...answers),
    fc.array(fc.tuple(fc.array(fc.nat(), { minLength: 1, maxLength: 8 }), replacement), {
      maxLength: 5,
    }),
  )
  .map(([answer, changes]) =>
    changes.reduce((changed, [path, value]) => replaceAt(changed, path, value), answer),
  )

function replaceAt(value: unknown, [step, ...path]: readonly number[], replaced: unknown): unknown {
  if (step === undefined || typeof value !== 'object' || value === null) return replaced
  const keys = Object.keys(value)
  const key = keys[step % keys.length]
  if (key === undefined) return replaced
  const copy = Array.isArray(value) ? [...value] : { ...value }
  return Object.assign(copy, { [key]: replaceAt(Reflect.get(value, key), path, replaced) })
}

const plantedMessage = fc
  .array(fc.integer({ min: 0, max: 30 }), { maxLength: 5 })
  .chain((numbers) => {
    const planted = numbers.map((number) => `cfile_${number.toString(16).padStart(32, '0')}`)
    const annotations = planted.map((file_id) => ({ ...plotCitation, file_id }))
    const noise = fc.constantFrom(undefined, { type: 'url_citation', url: 'a' }, null, 7)
    return fc.array(noise, { maxLength: 3 }).map((others) => ({
      planted,
      item: message('', [...others, ...annotations] as object[]),
    }))
  })

const noiseItem = fc
  .oneof(fc.jsonValue(), fc.constant(codeCall('')), fc.constant({ type: 'reasoning', summary: [] }))
  .map((item) => ({ item: item as object }))

describe('getMentions of hostile answers', () => {
  it('survives any nesting', () => {
    const levels = 100_000
    const nest = (open: string, close: string) => `${open.repeat(levels)}1${close.repeat(levels)}`
    const results = nest('{"content":[', ']}')
    let text: object = {}
    for (let level = 0; level < levels; level += 1) text = { text, item: text, output: [text] }
    for (const output of [
      results,
      [{ text: results }],
      nest('[', ']'),
      nest('{"_meta":', '}'),
      text,
    ]) {
      expect(getCitations(toolboxResponse('mcp_call', output))).toEqual([])
    }
    expect(getCitations(message('', [], { content: [text] }))).toEqual([])
    expect(getCitations({ event: 'thread.x', data: text })).toEqual([])
  })

  it('stops at a limit in an endless answer, and keeps what it found before', () => {
    const noise = new Array<object>(200_000).fill(codeCall(''))
    const found = getMentions(openaiResponse([message('', [chartCitation]), ...noise]))
    expect(found.citations).toEqual([chart])
    expect(getCitations(openaiResponse([...noise, message('', [chartCitation])]))).toEqual([])
  })

  it('parses only as much nested JSON as one answer may have', () => {
    const report = JSON.stringify({ padding: 'a'.repeat(3 * 1024 ** 2), ...toolFiles })
    const last = { type: 'mcp_call', output: toolboxOutputs['JSON in a string'] }
    const first = openaiResponse([last, ...new Array(4).fill({ type: 'mcp_call', output: report })])
    expect(getCitations(first)).toEqual(toolFiles)
  })

  it('ignores names that every object inherits', () => {
    const body = JSON.parse(
      `{"__proto__":{"object":"response","output":[${JSON.stringify(message('', [chartCitation]))}]},"constructor":{},"toString":1}`,
    )
    expect(getMentions(body)).toEqual(nothing)
  })

  it('never throws and never invents ids, for any values at any place', () => {
    fc.assert(
      fc.property(spoiltAnswer, (body) => {
        for (const { file_id, container_id } of getCitations(body)) {
          const isPair = isContainerFileId(file_id) && isContainerId(container_id)
          expect(isPair || (isFileId(file_id) && container_id === undefined)).toBe(true)
        }
      }),
      { seed: 1, numRuns: rounds(2000) },
    )
  })

  it('finds every cited file among other values, once and in order', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(plantedMessage, noiseItem), { maxLength: 12 }), (items) => {
        const planted = items.flatMap((item) => ('planted' in item ? item.planted : []))
        const found = getCitations(openaiResponse(items.map(({ item }) => item)))
        expect(found.map(({ file_id }) => file_id)).toEqual([...new Set(planted)])
      }),
      { seed: 1, numRuns: rounds(500) },
    )
  })
})
