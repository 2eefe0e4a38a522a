import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ByteReader, readBody } from '../../../../src/core/bytes/reader.ts'
import type { PreviousTurn } from '../../../../src/core/rewrite/answer-containers.ts'
import type { LinkMode } from '../../../../src/core/rewrite/link-maker.ts'
import { linkAnswer } from '../../../../src/core/rewrite/linker.ts'
import { createEventLinker } from '../../../../src/core/rewrite/stream/stream-linker.ts'
import { throughEvents } from '../../../../src/core/sse/pump.ts'
import {
  type Annotation,
  type AnswerCase,
  answers,
  coveredBy,
  type Event,
  framings,
  plainLinks,
  type TextCase,
  toEvents,
  toFrames,
  toResponse,
  urlOf,
} from '../../../fixtures/answers.ts'
import { rounds } from '../../../lib/rounds.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A body in chunks of these lengths. It fails with `broken` at its end, if given. */
function bodyOf(
  text: string,
  lengths: readonly number[] = [1000],
  broken?: Error,
): ReadableStream<Uint8Array> {
  const bytes = encoder.encode(text)
  let at = 0
  let next = 0
  return new ReadableStream(
    {
      pull(controller) {
        if (at >= bytes.length) return broken ? controller.error(broken) : controller.close()
        const length = lengths[next % lengths.length] ?? 1
        next += 1
        controller.enqueue(bytes.subarray(at, at + length))
        at += length
      },
    },
    { highWaterMark: 0 },
  )
}

/** Overwrites each piece at the next read, as a reader may that uses one buffer for all of them. */
function reusingBuffers(bytes: ByteReader): ByteReader {
  let last: Uint8Array | undefined
  return {
    ...bytes,
    async read() {
      last?.fill(0)
      last = (await bytes.read())?.slice()
      return last
    },
  }
}

async function run(
  text: string,
  mode: LinkMode,
  lengths?: readonly number[],
  broken?: Error,
  recorded?: string,
): Promise<{ text: string; error?: unknown }> {
  const recordedContainer = async ({ responseId }: PreviousTurn) =>
    responseId === 'resp_0' ? recorded : undefined
  const linked = throughEvents(
    reusingBuffers(readBody({ body: bodyOf(text, lengths, broken) })),
    createEventLinker({ links: plainLinks, mode, recordedContainer }),
  )
  const chunks: Uint8Array[] = []
  try {
    for (let chunk = await linked.read(); chunk !== undefined; chunk = await linked.read()) {
      chunks.push(chunk.slice())
    }
    return { text: joined(chunks) }
  } catch (error) {
    return { text: joined(chunks), error }
  }
}

function joined(chunks: readonly Uint8Array[]): string {
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('')
}

/** Reads a whole stream without the code under test. */
function readFrames(text: string): { raw: string; event: Event }[] {
  return text
    .split(/(?<=\r\n\r\n|\n\n|\r\r)/)
    .filter((raw) => raw !== '')
    .map((raw) => {
      const data = raw
        .split(/\r\n|\r|\n/)
        .filter((line) => line.startsWith('data: '))
        .map((line) => line.slice(6))
      return { raw, event: JSON.parse(data.join('\n')) }
    })
}

interface Part {
  readonly type: string
  readonly text?: string
  readonly annotations?: readonly Annotation[]
}
interface Item {
  readonly type: string
  readonly content?: readonly Part[]
}

function textsOf(items: readonly Item[]): Part[] {
  return items.flatMap(({ content = [] }) => content.filter(({ type }) => type === 'output_text'))
}

function casesOf({ items }: AnswerCase): TextCase[] {
  return items.flatMap((item) => ('parts' in item ? item.parts : []))
}

function outputOf({ response }: Event): readonly Item[] {
  return (response as { output: readonly Item[] }).output
}

/** Every copy of every text in a stream, by part. All copies of a part should be equal. */
function copiesOf(events: readonly Event[]): Map<string, string[]> {
  const copies = new Map<string, string[]>()
  const put = (key: string, text = '') => copies.set(key, [...(copies.get(key) ?? []), text])
  const deltas = new Map<string, string>()
  for (const event of events) {
    const { type, output_index, content_index, delta, text, part, item } = event
    const key = `${output_index} ${content_index}`
    if (type === 'response.output_text.delta') deltas.set(key, (deltas.get(key) ?? '') + delta)
    if (type === 'response.output_text.done') put(key, String(text))
    if (type === 'response.content_part.done') put(key, (part as Part).text)
    if (type === 'response.output_item.done') {
      for (const [index, one] of textsOf([item as Item]).entries()) {
        put(`${output_index} ${index}`, one.text)
      }
    }
    if (type === 'response.completed') {
      for (const [index, one] of outputOf(event).entries()) {
        for (const [at, { text }] of textsOf([one]).entries()) put(`${index} ${at}`, text)
      }
    }
  }
  for (const key of copies.keys()) put(key, deltas.get(key))
  return copies
}

/** The event without the fields that rewriting may change. */
function withoutLinks(event: Event): unknown {
  return JSON.parse(JSON.stringify(event), (key, value) => {
    if (['delta', 'text', 'start_index', 'end_index', 'index'].includes(key)) return typeof value
    if (key === 'download_url' || key === 'download_expires_at') return undefined
    return value
  })
}

const lengths = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 20 })
const chunks = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 10 })

describe('a rewritten stream', () => {
  it('has the same text, with its links replaced, in its deltas, in every later copy and as JSON', async () => {
    await fc.assert(
      fc.asyncProperty(
        answers,
        lengths,
        chunks,
        framings,
        async (answer, deltaLengths, chunkLengths, framing) => {
          const sent = toFrames(toEvents(answer, deltaLengths), framing)
          const got = await run(sent.join(''), 'rewrite', chunkLengths, undefined, answer.recorded)
          expect(got.error).toBeUndefined()
          const frames = readFrames(got.text)
          const wanted = casesOf(answer).map(({ want }) => want)
          const copies = [...copiesOf(frames.map(({ event }) => event)).values()]
          expect(copies).toEqual(wanted.map((want) => Array.from({ length: 5 }, () => want)))
          const json = await linkAnswer(JSON.stringify(toResponse(answer)), {
            links: plainLinks,
            mode: 'rewrite',
            recordedContainer: async () => answer.recorded,
          })
          const last = frames.at(-1)
          expect(last && JSON.parse(JSON.stringify(last.event.response))).toEqual(JSON.parse(json))
        },
      ),
      { seed: 1, numRuns: rounds(100) },
    )
  })

  it('has spans that cover the links, in the unit of the service', async () => {
    await fc.assert(
      fc.asyncProperty(answers, lengths, async (answer, deltaLengths) => {
        const sent = toEvents(answer, deltaLengths).map(
          (event) => `data: ${JSON.stringify(event)}\n\n`,
        )
        const events = readFrames(
          (await run(sent.join(''), 'rewrite', undefined, undefined, answer.recorded)).text,
        ).map(({ event }) => event)
        const completed = events.at(-1)
        const texts = completed === undefined ? [] : textsOf(outputOf(completed))
        const added = events.flatMap(({ annotation }) => (annotation ? [annotation] : []))
        expect(texts.flatMap(({ annotations = [] }) => annotations)).toEqual(added)
        for (const [index, { covered }] of casesOf(answer).entries()) {
          const { text = '', annotations = [] } = texts[index] ?? {}
          const slices = annotations.map((one) => coveredBy(answer.unit, text, one))
          expect(slices).toEqual(covered.map(({ after }) => after))
        }
      }),
      { seed: 1, numRuns: rounds(100) },
    )
  })

  it('is the same in all chunks, even where the name and the type of an event differ', async () => {
    const sent = [
      { type: 'response.created', response: { id: 'resp_1' } },
      {
        type: 'response.output_item.done',
        output_index: 0,
        item: { type: 'code_interpreter_call', container_id: 'cntr_1' },
      },
      {
        type: 'response.output_text.delta',
        output_index: 1,
        content_index: 0,
        delta: '[a](sandbox:/mnt/data/a.csv) ',
      },
      {
        type: 'response.output_text.done',
        output_index: 1,
        content_index: 0,
        text: '[a](sandbox:/mnt/data/a.csv) ',
      },
    ]
    const text = sent
      .map(
        (event, at) =>
          `event: ${at === 2 ? 'response.other.delta' : event.type}\ndata: ${JSON.stringify(event)}\n\n`,
      )
      .join('')
    const whole = await run(text, 'rewrite')
    for (const length of [1, 7, 100]) expect(await run(text, 'rewrite', [length])).toEqual(whole)
  })

  it('adds, drops and reorders no event, and changes no byte of an event without a link', async () => {
    await fc.assert(
      fc.asyncProperty(
        answers,
        lengths,
        chunks,
        framings,
        async (answer, deltaLengths, chunkLengths, framing) => {
          const sent = toFrames(toEvents(answer, deltaLengths), framing)
          const got = readFrames(
            (await run(sent.join(''), 'rewrite', chunkLengths, undefined, answer.recorded)).text,
          )
          expect(got).toHaveLength(sent.length)
          const links = casesOf(answer).some(({ text, want }) => text !== want)
          for (const [index, raw] of sent.entries()) {
            const before = readFrames(raw)[0]?.event
            const after = got[index]
            expect(after && withoutLinks(after.event)).toEqual(before && withoutLinks(before))
            if (JSON.stringify(after?.event) === JSON.stringify(before)) {
              expect(after?.raw).toBe(raw)
            } else {
              expect(links).toBe(true)
              expect(raw).toMatch(/output_text|content_part|output_item.done|completed/)
            }
          }
        },
      ),
      { seed: 1, numRuns: rounds(60) },
    )
  })

  it('holds back only text that may still become a link', async () => {
    await fc.assert(
      fc.asyncProperty(answers, lengths, async (answer, deltaLengths) => {
        const linker = createEventLinker({ links: plainLinks, mode: 'rewrite' })
        const waiting = new Set<string>()
        let text = ''
        for (const event of toEvents(answer, deltaLengths)) {
          const isDelta = event.type === 'response.output_text.delta'
          text = isDelta ? text + event.delta : event.type.endsWith('added') ? '' : text
          const raw = `data: ${JSON.stringify(event)}\n\n`
          waiting.add(String(event.sequence_number))
          await linker.push(encoder.encode(raw), (released) => {
            waiting.delete(String(readFrames(decoder.decode(released))[0]?.event.sequence_number))
          })
          // A link never crosses a line end. An "s" may begin a link, but only the whole prefix holds text back for
          // long.
          const line = text.slice(Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1)
          const mayBegin =
            /sandbox:\/{1,3}mnt\/data\/|(?:^|[\W_n])s(?:a(?:n(?:d(?:b(?:ox?)?)?)?)?)?$|sandbox:[/\w]*$/
          if (!mayBegin.test(line)) expect([...waiting], JSON.stringify(line)).toEqual([])
        }
        expect(waiting.size).toBe(0)
      }),
      { seed: 1, numRuns: rounds(60) },
    )
  })

  it('ends as its upstream ended, and releases held text unchanged', async () => {
    const [call, ...rest] = toEvents(
      { unit: 'utf16', items: [{ call: 'cntr_a1' }, { parts: [oneLink], refusal: false }] },
      [5],
    )
    const upToLink = rest.findIndex(({ delta }) => delta === 'x:/mn') + 1
    const sent = [call, ...rest.slice(0, upToLink)]
      .map((event) => `data: ${JSON.stringify(event)}\n\n`)
      .join('')
    expect(sent).toContain('"x:/mn')
    const broken = new Error('reset by peer')
    const got = await run(sent, 'rewrite', [10_000], broken)
    expect(got).toEqual({ text: sent, error: broken })
    expect(await run(sent, 'rewrite')).toEqual({ text: sent })
  })

  it('keeps the two halves of a CRLF together when they come in two chunks after held text', async () => {
    const answer: AnswerCase = {
      unit: 'utf16',
      items: [
        { call: 'cntr_a1' },
        { parts: [{ ...oneLink, text: 'no sand', want: '' }], refusal: false },
      ],
    }
    const framing = {
      lineEnd: '\r\n',
      isIndented: false,
      hasComments: false,
      escapesUnicode: false,
    } as const
    const sent = toFrames(toEvents(answer, [3]), framing).join('')
    expect(await run(sent, 'rewrite', [1])).toEqual({ text: sent })
  })

  it('lets events of other parts pass held text, but no event of the same part', async () => {
    const at = { output_index: 1, content_index: 0 }
    const delta = 'response.output_text.delta'
    const events: Event[] = [
      { type: 'response.created', sequence_number: 0 },
      {
        type: 'response.output_item.added',
        sequence_number: 1,
        output_index: 0,
        item: { type: 'code_interpreter_call', container_id: 'cntr_a1' },
      },
      { type: delta, sequence_number: 2, ...at, delta: 'See [it](sand' },
      { type: 'response.reasoning_text.delta', sequence_number: 3, output_index: 2, delta: 'x' },
      { type: delta, sequence_number: 4, output_index: 3, content_index: 0, delta: 'Other.' },
      {
        type: 'response.output_text.annotation.added',
        sequence_number: 5,
        ...at,
        annotation: { type: 'url_citation', url: 'https://x.io', start_index: 0, end_index: 3 },
      },
      { type: 'keepalive', sequence_number: 6 },
      { type: delta, sequence_number: 7, ...at, delta: 'box:/mnt/data/a.csv)' },
      { type: 'response.output_text.done', sequence_number: 8, ...at, text: '' },
    ]
    const sent = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
    const got = readFrames((await run(sent, 'rewrite')).text).map(({ event }) => event)
    expect(got.map(({ sequence_number }) => sequence_number)).toEqual([0, 1, 3, 4, 6, 2, 5, 7, 8])
    expect(got.filter(({ type }) => type === delta).map((event) => event.delta)).toEqual([
      'Other.',
      `See [it](${urlOf('cntr_a1', 'a.csv')}`,
      ')',
    ])
  })

  it('ends with an event that was cut off, and sends no held text behind it', async () => {
    const delta = { type: 'response.output_text.delta', output_index: 0, content_index: 0 }
    const held = `data: ${JSON.stringify({ ...delta, delta: '[a](sand' })}\n\n`
    for (const rest of ['event: respo', 'data: {"type":"response.in_progress","output_index":1}']) {
      expect(await run(held + rest, 'rewrite')).toEqual({ text: held + rest })
    }
  })

  it('has equal copies of its text if it was joined in the middle', async () => {
    await fc.assert(
      fc.asyncProperty(answers, lengths, fc.nat(), async (answer, deltaLengths, from) => {
        const events = toEvents(answer, deltaLengths)
        const rest = events.slice(from % events.length)
        const sent = rest.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
        const got = readFrames((await run(sent, 'rewrite')).text).map(({ event }) => event)
        expect(got.map(({ sequence_number }) => sequence_number)).toEqual(
          rest.map(({ sequence_number }) => sequence_number),
        )
        for (const [, copies] of copiesOf(got)) {
          const deltas = copies.pop() ?? ''
          const [first = '', ...others] = copies
          for (const copy of others) expect(copy).toBe(first)
          expect(first.endsWith(deltas), `${first} | ${deltas}`).toBe(true)
        }
      }),
      { seed: 1, numRuns: rounds(60) },
    )
  })
})

const oneLink: TextCase = {
  parts: [],
  text: 'See [it](sandbox:/mnt/data/chart.png)!',
  want: `See [it](${urlOf('cntr_a1', 'chart.png')})!`,
  annotations: [],
  covered: [],
}

describe('an annotated stream', () => {
  it('changes only events with a file annotation, each by its two members', async () => {
    await fc.assert(
      fc.asyncProperty(answers, chunks, framings, async (answer, chunkLengths, framing) => {
        const sent = toFrames(toEvents(answer, [4]), framing).join('')
        const { text } = await run(sent, 'annotate', chunkLengths)
        const added =
          /,"download_url":"https:\/\/x\.io\/f\/[^"]*","download_expires_at":1790003600/g
        expect(text.replace(added, '')).toBe(sent)
        const count = casesOf(answer)
          .flatMap(({ annotations }) => annotations)
          .filter(({ type }) => type === 'container_file_citation').length
        expect(text.match(added) ?? []).toHaveLength(4 * count)
      }),
      { seed: 1, numRuns: rounds(60) },
    )
  })

  it('passes everything else unchanged: other JSON, other text, broken events', async () => {
    const odd = 'data: {"type":"response.x","annotation":{"type":"container_file_citation"\n\n'
    const sent = `: sandbox:/mnt/data/x.csv\n\n${odd}data: [DONE]\n\nsandbox:/mnt/data/`
    for (const mode of ['annotate', 'rewrite'] as const) {
      expect(await run(sent, mode, [3])).toEqual({ text: sent })
    }
  })
})
