import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  citationStream,
  mentionsInEvent,
  mentionsInTranscript,
} from '../../../../src/core/api/citations/citation-stream.ts'
import type { Citation } from '../../../../src/core/api/citations/mentions.ts'
import { threadStream } from '../../../fixtures/assistants.ts'
import { assistantFileId, containerId, responseId, uploadId } from '../../../fixtures/ids.ts'
import { chartCitation, plotCitation } from '../../../fixtures/responses.ts'
import {
  annotationEvent,
  eventsWithCitation,
  streamOfShell,
  streamWithAutoPlot,
  streamWithCitation,
  streamWithError,
  streamWithoutCitation,
  toSse,
} from '../../../fixtures/streams.ts'
import { atOnce } from '../../../lib/at-once.ts'
import { rounds } from '../../../lib/rounds.ts'

const { type: _chart, ...chart } = chartCitation
const { type: _plot, ...plot } = plotCitation
const nothing = { responses: [], conversations: [], containers: [], citations: [] }

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

async function streamed(chunks: readonly Uint8Array[]): Promise<Citation[]> {
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
  const citations: Citation[] = []
  for await (const citation of source.pipeThrough(citationStream())) citations.push(citation)
  return citations
}

describe('citationStream', () => {
  it('yields a file once when four events cite it', async () => {
    expect(await streamed([bytesOf(streamWithCitation)])).toEqual([chart])
    expect(await streamed([bytesOf(streamWithAutoPlot)])).toEqual([plot])
  })

  it('yields nothing for a stream without citations', async () => {
    for (const stream of [streamWithoutCitation, streamOfShell, streamWithError, '']) {
      expect(await streamed([bytesOf(stream)])).toEqual([])
    }
  })

  it('yields files of the Files API from an Assistants stream', async () => {
    const files = (await streamed([bytesOf(threadStream)])).map(({ file_id }) => file_id)
    expect(files).toEqual([assistantFileId, uploadId])
  })

  it('yields a file as soon as its event is complete, while the stream continues', async () => {
    const { readable, writable } = citationStream()
    const reader = readable.getReader()
    const writer = writable.getWriter()
    const written = writer.write(bytesOf(toSse([annotationEvent])))
    expect(await reader.read()).toEqual({ done: false, value: chart })
    await written
    await reader.cancel()
  })

  it('skips a malformed event and continues', async () => {
    const broken = `data: {"type":"response.output_text.annotation.added","annotation":{"file_id":\n\n`
    const text = `${broken}data: file_id [DONE]\n\n${toSse([annotationEvent])}data: "container_id`
    expect(await streamed([bytesOf(text)])).toEqual([chart])
  })

  it('finds the same files at any chunk boundaries and with any line ends', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.nat(), { maxLength: 40 }),
        async (lineEnd, places) => {
          const bytes = bytesOf(`: begin${lineEnd}${lineEnd}${toSse(eventsWithCitation, lineEnd)}`)
          const cuts = places.map((place) => place % bytes.byteLength).sort((a, b) => a - b)
          const chunks = [...cuts, bytes.byteLength].map((end, at) =>
            bytes.subarray(cuts[at - 1] ?? 0, end),
          )
          expect(await streamed(chunks)).toEqual([chart])
        },
      ),
      { seed: 1, numRuns: rounds(100) },
    )
  })
})

describe('mentionsInEvent', () => {
  it('finds what one event mentions, so that it can be recorded before the event is sent', () => {
    expect(mentionsInEvent(bytesOf(toSse([annotationEvent])))).toEqual({
      ...nothing,
      containers: [containerId],
      citations: [chart],
    })
  })

  it('finds the response in the first event, and the container before the code runs', () => {
    const [created = annotationEvent, , added = annotationEvent] = eventsWithCitation
    expect(mentionsInEvent(bytesOf(toSse([created]))).responses).toEqual([responseId])
    expect(mentionsInEvent(bytesOf(toSse([added]))).containers).toEqual([containerId])
  })

  it('finds nothing in an event without ids', () => {
    for (const text of ['', ': ping\n\n', 'data: [DONE]\n\n', 'data: "file_id"\n\n', '\n']) {
      expect(mentionsInEvent(bytesOf(text))).toEqual(nothing)
    }
  })
})

const readTranscript = (bytes: Uint8Array) => atOnce(mentionsInTranscript(bytes))

describe('mentionsInTranscript', () => {
  it('finds everything that a recorded stream mentions, each thing once', () => {
    expect(readTranscript(bytesOf(streamWithCitation))).toEqual({
      responses: [responseId],
      turns: [{ response: responseId, container: containerId }],
      conversations: [],
      containers: [containerId],
      citations: [chart],
      items: ['ci_0a5e68b0f003', 'msg_0a5e68b0f004'],
    })
    expect(readTranscript(bytesOf(streamOfShell))?.containers).toEqual([containerId])
    expect(readTranscript(new Uint8Array())).toBeUndefined()
  })

  it('reads the last event of a transcript without a final blank line', () => {
    expect(readTranscript(bytesOf(streamWithCitation.trim()))).toEqual(
      readTranscript(bytesOf(streamWithCitation)),
    )
    const last = toSse(eventsWithCitation.slice(-1)).trim()
    expect(readTranscript(bytesOf(last))?.citations).toEqual([chart])
  })
})
