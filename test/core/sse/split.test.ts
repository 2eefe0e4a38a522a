import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSplitter, eventJson, eventsIn, parseEvent } from '../../../src/core/sse/split.ts'
import { streamWithAutoPlot } from '../../fixtures/streams.ts'
import { rounds } from '../../lib/rounds.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text)
}

/** The output for each input chunk, and at the end. */
function split(chunks: readonly Uint8Array[], maxEventBytes?: number): Uint8Array[][] {
  const splitter = createSplitter({ maxEventBytes })
  const out = chunks.map((chunk) => [...splitter.push(chunk)])
  return [...out, [...splitter.end()]]
}

function splitText(...chunks: string[]): string[][] {
  return split(chunks.map(bytesOf)).map((events) => events.map((event) => decoder.decode(event)))
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(chunks.flatMap((chunk) => [...chunk]))
}

/** Cuts bytes at the given offsets. */
function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = places.map((place) => place % (bytes.byteLength + 1)).sort((a, b) => a - b)
  return [...cuts, bytes.byteLength].map((end, at) => bytes.subarray(cuts[at - 1] ?? 0, end))
}

/** The standard's own algorithm (WHATWG HTML §9.2.6) on a whole text. */
function dispatched(text: string): { event: string; data: string }[] {
  const events: { event: string; data: string }[] = []
  let event = ''
  let data = ''
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    if (line === '') {
      if (data !== '') events.push({ event, data: data.replace(/\n$/, '') })
      event = ''
      data = ''
    }
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (field === 'event') event = value ?? ''
    if (field === 'data') data += `${value ?? ''}\n`
  }
  return events
}

describe('createSplitter', () => {
  it('yields each event when its blank line arrives, not when the next event comes', () => {
    expect(splitText('data: a\n\nda', 'ta: b\n', '\n')).toEqual([
      ['data: a\n\n'],
      [],
      ['data: b\n\n'],
      [],
    ])
  })

  it('recognises every line end, and does not wait for an LF after a CR', () => {
    expect(splitText('data: a\r\n\r\ndata: b\r\rdata: c\n\n')).toEqual([
      ['data: a\r\n\r\n', 'data: b\r\r', 'data: c\n\n'],
      [],
    ])
    expect(splitText('data: a\r\n\r', '\ndata: b\r', '\n\r', '\n')).toEqual([
      ['data: a\r\n\r'],
      ['\n'],
      ['data: b\r\n\r'],
      ['\n'],
      [],
    ])
    expect(splitText('data: a\r', 'data: b\r', '\r')).toEqual([
      [],
      [],
      ['data: a\rdata: b\r\r'],
      [],
    ])
  })

  it('makes the same events of all chunks, so that no answer depends on the network', () => {
    const lines = fc.constantFrom('data: a', ': b', '\r', '\n', '\r\n', '\n\n')
    fc.assert(
      fc.property(fc.array(lines), fc.array(fc.nat()), (parts, places) => {
        const bytes = bytesOf(parts.join(''))
        // A line feed that belongs to the carriage return before it may come alone.
        const eventsOf = (chunks: readonly Uint8Array[]) =>
          split(chunks)
            .flat()
            .map((event) => decoder.decode(event).replace(/\n$/, ''))
            .filter((event) => /[^\r\n]/.test(event))
        expect(eventsOf(cutAt(bytes, places))).toEqual(eventsOf([bytes]))
      }),
      { seed: 3, numRuns: rounds(500) },
    )
  })

  it('passes comments and blank lines at once, because they keep the connection alive', () => {
    expect(splitText(': ping\n\n', '\n', '\r\n', 'data: a\n\n\n\n')).toEqual([
      [': ping\n\n'],
      ['\n'],
      ['\r\n'],
      ['data: a\n\n', '\n\n'],
      [],
    ])
  })

  it('yields a last event without a blank line, and nothing if nothing is left', () => {
    expect(splitText('data: a\n\ndata: b')).toEqual([['data: a\n\n'], ['data: b']])
    expect(splitText('', 'data: a\n\n', '')).toEqual([[], ['data: a\n\n'], [], []])
    expect(splitText()).toEqual([[]])
  })

  it('does not copy an event that came in one chunk', () => {
    const chunk = bytesOf('data: a\n\ndata: b\n\n')
    const [events = []] = split([chunk])
    expect(events.map(({ buffer }) => buffer === chunk.buffer)).toEqual([true, true])
  })

  it('changes no byte of a stream, even of broken UTF-8', () => {
    const bytes = new Uint8Array([...bytesOf(streamWithAutoPlot), 0xff, 0xf0, 0x9f, 10, 10, 0xc3])
    const out = split([bytes]).flat()
    expect(joined(out)).toEqual(bytes)
    expect(out.length).toBeGreaterThan(10)
  })

  it('yields the events that a browser sees, with any line ends and chunk boundaries', () => {
    const line = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom('', '', 'data', 'data:', 'data: ', ':', ': ping', 'id: 7'),
      },
      fc.constantFrom(
        'data: x',
        'data:x',
        'data:  x:y',
        'event: e',
        'event:e',
        'Data: x',
        ' data: x',
      ),
      fc.string({ unit: 'grapheme' }).map((text) => `data: ${text.replace(/[\r\n\uFEFF]/g, '')}`),
    )
    const text = fc
      .tuple(
        fc.constantFrom('', '\uFEFF'),
        fc.array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 30 }),
      )
      .map(([mark, lines]) => `${mark}${lines.flat().join('')}\n\n`)
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 12 }), (stream, places) => {
        const bytes = bytesOf(stream)
        const events = split(cutAt(bytes, places)).flat()
        expect(joined(events)).toEqual(bytes)
        const seen = events.map(parseEvent).filter(({ data }) => data !== '')
        expect(seen).toEqual(dispatched(stream).filter(({ data }) => data !== ''))
      }),
      { seed: 1, numRuns: rounds(1000) },
    )
  })
})

describe('createSplitter with hostile streams', () => {
  const long = 1024 ** 2

  it('takes linear time for a megabyte of lines that end with CR', () => {
    const lines = new Uint8Array(long).map((_, at) => (at % 2 === 0 ? 97 : 13))
    expect(split([lines])).toEqual([[], [lines]])
  })

  it('takes linear time for an event of two megabytes in small chunks', () => {
    const event = bytesOf(`data: ${'a'.repeat(2 * long)}\n\n`)
    const chunks = Array.from({ length: Math.ceil(event.byteLength / 32) }, (_, at) =>
      event.subarray(32 * at, 32 * at + 32),
    )
    const events = split(chunks).flat()
    expect(events).toHaveLength(1)
    expect(parseEvent(events[0] ?? event).data).toHaveLength(2 * long)
  })

  it('yields no events for a megabyte of blank lines', () => {
    const lines = new Uint8Array(long).fill(10)
    expect(split([lines])).toEqual([[lines], []])
  })

  it('holds at most the limit of an event, and reads no fields in the fragments of a longer one', () => {
    const chunks = ['data: 1\n', 'data: 2\n', 'data: 3\n', 'data: 4\n\n', 'data: 5\n\n'].map(
      bytesOf,
    )
    const out = split(chunks, 20)
    const texts = out.map((events) => events.map((event) => decoder.decode(event)))
    expect(texts).toEqual([
      [],
      [],
      ['data: 1\ndata: 2\n', 'data: 3\n'],
      ['data: 4\n\n'],
      ['data: 5\n\n'],
      [],
    ])
    expect(out.flat().map((event) => parseEvent(event).data)).toEqual(['', '', '', '5'])
  })
})

describe('eventsIn', () => {
  it('reads a whole transcript, including an event that was cut off before its blank line', () => {
    const seen = [...eventsIn(bytesOf('data: a\n\ndata: b\n'))]
    expect(seen.map((event) => parseEvent(event).data)).toEqual(['a', 'b'])
  })
})

describe('parseEvent', () => {
  const parse = (text: string) => parseEvent(bytesOf(text))

  it('reads name and data, and removes one blank after the colon', () => {
    expect(parse('event: e\ndata: {"a": 1}\n\n')).toEqual({ event: 'e', data: '{"a": 1}' })
    expect(parse('event:e\ndata:  x\n\n')).toEqual({ event: 'e', data: ' x' })
    expect(parse('event\ndata\n\n')).toEqual({ event: '', data: '' })
  })

  it('joins data lines and ignores comments and other fields', () => {
    expect(parse('\n: c\nid: 1\ndata: {\r\nretry: 5\rdata: }\n\n')).toEqual({
      event: '',
      data: '{\n}',
    })
  })

  it('reads the first event of a stream that begins with a byte order mark', () => {
    expect(parse('\uFEFFdata: a\n\n').data).toBe('a')
  })
})

describe('eventJson', () => {
  it('reads JSON, and returns nothing for [DONE], broken JSON and missing data', () => {
    expect(eventJson(bytesOf('data: {"a":\ndata: 1}\n\n'))).toEqual({ a: 1 })
    for (const text of ['data: [DONE]\n\n', 'data: {"a"\n\n', ': ping\n\n', '']) {
      expect(eventJson(bytesOf(text)), text).toBeUndefined()
    }
  })
})
