import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toStream } from '../../../src/core/bytes/carrier.ts'
import { readBody } from '../../../src/core/bytes/reader.ts'
import type { LinkMaker } from '../../../src/core/rewrite/link-maker.ts'
import { linkAnswer } from '../../../src/core/rewrite/linker.ts'
import { createEventLinker } from '../../../src/core/rewrite/stream/stream-linker.ts'
import { toWrittenLink } from '../../../src/core/rewrite/text/sandbox-links.ts'
import { throughEvents } from '../../../src/core/sse/pump.ts'
import { plainLinks, urlOf } from '../../fixtures/answers.ts'
import { rounds } from '../../lib/rounds.ts'

const container = 'cntr_a1'
const url = (path: string) => urlOf(container, path)

interface Annotation {
  readonly type: string
  readonly start_index?: number
  readonly end_index?: number
  readonly index?: number
  readonly filename?: string
}

function cite(filename: string, start_index: number, end_index: number): Annotation {
  const file = { container_id: container, file_id: 'cfile_1', filename }
  return { type: 'container_file_citation', ...file, start_index, end_index }
}

function answerOf(text: string, annotations: readonly Annotation[]) {
  const call = { id: 'ci_1', type: 'code_interpreter_call', container_id: container }
  const content = [{ type: 'output_text', text, logprobs: [], annotations }]
  const message = { id: 'msg_1', type: 'message', role: 'assistant', content }
  return { id: 'resp_1', object: 'response', output: [call, message] as const }
}

interface Part {
  readonly text: string
  readonly annotations: Required<Annotation>[]
}

function partOf({ output }: ReturnType<typeof answerOf>): Part {
  return output[1].content[0] as unknown as Part
}

async function rewrite(
  text: string,
  annotations: readonly Annotation[] = [],
  links: LinkMaker = plainLinks,
): Promise<Part> {
  const json = JSON.stringify(answerOf(text, annotations))
  return partOf(JSON.parse(await linkAnswer(json, { links, mode: 'rewrite' })))
}

/** Links that mark their own end, whatever follows. */
const codedLinks: LinkMaker = {
  file: async () => ({ download_url: 'https://x.io/fZ', expires_at: 0 }),
  path: async (_, path) => ({ download_url: `https://x.io/${toCodes(path)}Z`, expires_at: 0 }),
}

function toCodes(text: string): string {
  return text.replace(/[\s\S]/g, (unit) => `${unit.charCodeAt(0).toString(16)}-`)
}

function fromCodes(codes: string): string {
  return codes.replace(/([0-9a-f]+)-/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
}

interface Seen {
  readonly delta?: string
  readonly annotation?: Required<Annotation>
  readonly part?: Part
  readonly item?: { readonly content?: readonly Part[] }
  readonly response?: ReturnType<typeof answerOf>
}

/** The events of an answer after its stream was rewritten. */
async function rewriteEvents(events: readonly object[]): Promise<Seen[]> {
  const sent = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
  const linker = createEventLinker({ links: plainLinks, mode: 'rewrite' })
  const got = await new Response(
    toStream(throughEvents(readBody({ body: new Blob([sent]).stream() }), linker)),
  ).text()
  return Array.from(got.matchAll(/^data: (.*)$/gm), ([, data = '']) => JSON.parse(data))
}

/** An answer as stream events, with deltas and annotations or only with whole copies. */
function eventsOf(text: string, annotations: readonly Annotation[], hasDeltas: boolean): object[] {
  const response = answerOf(text, annotations)
  const [call, message] = response.output
  const at = { output_index: 1, content_index: 0 }
  const added = (annotation: Annotation) => ({
    type: 'response.output_text.annotation.added',
    ...at,
    annotation,
  })
  const pieces = [...text].map((delta) => ({ type: 'response.output_text.delta', ...at, delta }))
  return [
    { type: 'response.output_item.done', output_index: 0, item: call },
    ...(hasDeltas ? [...pieces, ...annotations.map(added)] : []),
    { type: 'response.content_part.done', ...at, part: message.content[0] },
    { type: 'response.output_item.done', output_index: 1, item: message },
    { type: 'response.completed', response },
  ]
}

function wholeCopies(events: readonly Seen[]): Part[] {
  return events.flatMap(({ part, item, response }) => {
    const whole = part ?? item?.content?.[0] ?? (response && partOf(response))
    return whole ?? []
  })
}

describe('a rewritten answer', () => {
  it('has a span that is exactly the URL when emphasis surrounds the link', async () => {
    const text = '**sandbox:/mnt/data/tool.zip**'
    const part = await rewrite(text, [cite('tool.zip', 2, 28)])
    expect(part.text).toBe(`**${url('tool.zip')}**`)
    const [{ start_index, end_index } = cite('', 0, 0)] = part.annotations
    expect(part.text.slice(start_index, end_index)).toBe(url('tool.zip'))
  })

  it('moves single-position annotations with the text, the same in every copy', async () => {
    const text = '[a](sandbox:/mnt/data/a.csv) and the contract.'
    const annotations = [
      cite('a.csv', 4, 27),
      { type: 'file_citation', file_id: 'file-1', filename: 'contract.pdf', index: 45 },
      { type: 'file_path', file_id: 'file-2', index: 0 },
      { type: 'url_citation', url: 'https://e.example', start_index: 33, end_index: 45 },
    ]
    const part = await rewrite(text, annotations)
    const [, contract, path, web] = part.annotations
    expect(contract?.index).toBe(part.text.length - 1)
    expect(path?.index).toBe(0)
    expect(part.text.slice(web?.start_index, web?.end_index)).toBe('the contract')
    const events = await rewriteEvents(eventsOf(text, annotations, true))
    expect(events.flatMap(({ annotation }) => annotation ?? [])).toEqual(part.annotations)
    for (const copy of wholeCopies(events)) expect(copy.annotations).toEqual(part.annotations)
  })

  it('ends a link where its citation ends, even if the text continues', async () => {
    for (const count of [(text: string) => text.length, (text: string) => [...text].length]) {
      const [before, name] = ['📈 See ', 'my chart, new.png']
      const text = `${before}sandbox:/mnt/data/${name} and sandbox:/mnt/data/b.csv.`
      const start = count(before)
      const part = await rewrite(text, [cite(name, start, start + 18 + name.length)])
      expect(part.text).toBe(`${before}${url(name)} and ${url('b.csv')}.`)
    }
  })

  it('stays valid when spans are wrong', async () => {
    const text = 'See sandbox:/mnt/data/a.csv and sandbox:/mnt/data/b.csv now'
    const want = `See ${url('a.csv')} and ${url('b.csv')} now`
    for (const [start, end] of [
      [0, 0],
      [4, 59],
      [4, 31],
      [5, 28],
      [30, 4],
      [4, 1e9],
      [32, 60],
    ] as const) {
      expect((await rewrite(text, [cite('a.csv', start, end)])).text).toBe(want)
    }
  })

  it('equals its original text with only the links replaced, for any spans', async () => {
    const names = ['a.csv', '📈.png', 'my file.csv']
    const piece = fc.constantFrom(
      ...[
        'sandbox:/mnt/data/',
        'sandbox://mnt/data/',
        '](',
        ')',
        ' ',
        '\n',
        '"',
        '`',
        '📈',
        '.',
        '<',
      ],
      ...names,
    )
    const span = fc.record({
      name: fc.constantFrom(...names),
      start: fc.nat(60),
      length: fc.nat(30),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 12 }),
        fc.array(span, { maxLength: 4 }),
        async (pieces, spans) => {
          const text = pieces.join('')
          const cited = spans.map(({ name, start, length }) => cite(name, start, start + length))
          const part = await rewrite(text, cited, codedLinks)
          const restored = part.text
            .replace(/\[([^[\]]*)\]\(https:\/\/x\.io\/fZ\)/g, '$1')
            .replace(/https:\/\/x\.io\/((?:[0-9a-f]+-)*)Z/g, (_, codes: string) =>
              toWrittenLink(fromCodes(codes)),
            )
          expect(restored).toBe(text)
        },
      ),
      { seed: 1, numRuns: rounds(500) },
    )
  })

  it('stays JSON if the text was JSON', async () => {
    const text =
      '{"h":"<a href=\\"sandbox:/mnt/data/j.csv\\">x</a>","m":"sandbox:/mnt/data/k.csv\\nBye"}'
    const part = await rewrite(text)
    expect(JSON.parse(part.text)).toEqual({
      h: `<a href="${url('j.csv')}">x</a>`,
      m: `${url('k.csv')}\nBye`,
    })
  })
})

describe('a cited name', () => {
  const file = 'https://x.io/f/cntr_a1/cfile_1'

  it('becomes a link whose URL the citation covers, and other annotations move with the text', async () => {
    const text = '📈 Generated chart.png. See e.example.'
    for (const more of [0, 1]) {
      // In code points and in UTF-16 units.
      const web = { type: 'url_citation', start_index: 27 + more, end_index: 36 + more }
      const part = await rewrite(text, [cite('chart.png', 12 + more, 21 + more), web])
      expect(part.text).toBe(`📈 Generated [chart.png](${file}). See e.example.`)
      const slices = part.annotations.map(({ start_index, end_index }) =>
        (more === 0 ? [...part.text] : part.text.split('')).slice(start_index, end_index).join(''),
      )
      expect(slices).toEqual([file, 'e.example'])
    }
  })

  it.each([
    ['in the text of a link', '[chart.png](sandbox:/mnt/data/chart.png)', '[chart.png]'],
    ['in a link that is not ours', '[the chart.png here](https://e.example/)', 'chart.png'],
    ['in a destination', '[x](https://e.example/chart.png)', 'chart.png'],
    ['in a reference', '[chart.png][1]', 'chart.png'],
    ['in a bare URL', 'https://e.example/chart.png', 'chart.png'],
    ['in a tag', '<img src="chart.png">', 'chart.png'],
    ['in a code span', 'Run `open chart.png` now', 'chart.png'],
    ['in a code block', 'So:\n```sh\nopen chart.png\n```\n', 'chart.png'],
    ['in a code block without an end', '~~~\nopen chart.png', 'chart.png'],
  ])('stays %s', async (_, text, kept) => {
    const at = text.indexOf('chart.png')
    const part = await rewrite(text, [cite('chart.png', at, at + 9)])
    expect(part.text).toContain(kept)
    expect(part.text).not.toContain(file)
  })

  it.each([
    ['a span that is not exactly it', 'See chart.png', cite('chart.png', 3, 13)],
    ['a span that ends behind the text', 'See chart.png', cite('chart.png', 4, 14)],
    ['another name', 'See chart.png', cite('chart.csv', 4, 13)],
    ['a name of unbalanced brackets', 'See a].png', cite('a].png', 4, 10)],
  ])('stays for %s', async (_, text, annotation) => {
    expect((await rewrite(text, [annotation])).text).toBe(text)
  })

  it('becomes one link when it is cited twice', async () => {
    const cited = cite('chart.png', 4, 13)
    const part = await rewrite('See chart.png', [cited, cited])
    expect(part.text).toBe(`See [chart.png](${file})`)
    const [one, other] = part.annotations.map(({ start_index, end_index }) =>
      part.text.slice(start_index, end_index),
    )
    expect([one, other]).toEqual([file, file])
  })

  it('becomes a link in a stream only if its text was not sent before', async () => {
    const [text, annotations] = ['See chart.png now', [cite('chart.png', 4, 13)]]
    const whole = await rewriteEvents(eventsOf(text, annotations, false))
    const part = await rewrite(text, annotations)
    for (const copy of wholeCopies(whole)) expect(copy).toEqual(part)
    const pieces = await rewriteEvents(eventsOf(text, annotations, true))
    expect(pieces.map(({ delta = '' }) => delta).join('')).toBe(text)
    for (const copy of wholeCopies(pieces)) {
      expect(copy.text).toBe(text)
      expect(copy.annotations).toEqual([expect.objectContaining(annotations[0] ?? {})])
    }
  })
})
