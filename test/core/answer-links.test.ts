import { describe, expect, it } from 'vitest'
import { linkAnswer } from '../../src/core/answer-links.ts'
import { throughEvents } from '../../src/core/event-pump.ts'
import { createEventLinker } from '../../src/core/stream-links.ts'
import { plainLinks, urlOf } from '../fixtures/answers.ts'

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

async function rewrite(text: string, annotations: readonly Annotation[] = []): Promise<Part> {
  const json = JSON.stringify(answerOf(text, annotations))
  return partOf(JSON.parse(await linkAnswer(json, { links: plainLinks, mode: 'rewrite' })))
}

/** The annotations of the same answer in each event of a stream that has them. */
async function annotationsInStream(text: string, annotations: readonly Annotation[]) {
  const response = answerOf(text, annotations)
  const [call, message] = response.output
  const at = { output_index: 1, content_index: 0 }
  const events = [
    { type: 'response.output_item.done', output_index: 0, item: call },
    ...[...text].map((delta) => ({ type: 'response.output_text.delta', ...at, delta })),
    ...annotations.map((annotation) => ({
      type: 'response.output_text.annotation.added',
      ...at,
      annotation,
    })),
    { type: 'response.content_part.done', ...at, part: message.content[0] },
    { type: 'response.output_item.done', output_index: 1, item: message },
    { type: 'response.completed', response },
  ]
  const sent = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
  const body = new Blob([sent]).stream()
  const linker = createEventLinker({ links: plainLinks, mode: 'rewrite' })
  const got = await new Response(throughEvents(body, linker)).text()
  const copies: Required<Annotation>[][] = [[], [], [], []]
  for (const [, data = ''] of got.matchAll(/^data: (.*)$/gm)) {
    const { annotation, part, item, response } = JSON.parse(data)
    if (annotation) copies[0]?.push(annotation)
    copies[1]?.push(...(part?.annotations ?? []))
    copies[2]?.push(...(item?.content?.[0].annotations ?? []))
    copies[3]?.push(...(response?.output[1].content[0].annotations ?? []))
  }
  return copies
}

describe('a rewritten answer', () => {
  it('has a span that is exactly the URL where emphasis stands around the link', async () => {
    const text = '**sandbox:/mnt/data/tool.zip**'
    const part = await rewrite(text, [cite('tool.zip', 2, 28)])
    expect(part.text).toBe(`**${url('tool.zip')}**`)
    const [{ start_index, end_index } = cite('', 0, 0)] = part.annotations
    expect(part.text.slice(start_index, end_index)).toBe(url('tool.zip'))
  })

  it('moves annotations of one position along, alike in every copy', async () => {
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
    for (const copy of await annotationsInStream(text, annotations)) {
      expect(copy).toEqual(part.annotations)
    }
  })

  it('ends a link where the span of its citation does, though the text goes on', async () => {
    for (const count of [(text: string) => text.length, (text: string) => [...text].length]) {
      const [before, name] = ['📈 See ', 'my chart, new.png']
      const text = `${before}sandbox:/mnt/data/${name} and sandbox:/mnt/data/b.csv.`
      const start = count(before)
      const part = await rewrite(text, [cite(name, start, start + 18 + name.length)])
      expect(part.text).toBe(`${before}${url(name)} and ${url('b.csv')}.`)
    }
  })

  it('is not harmed by spans that are wrong', async () => {
    const text = 'See sandbox:/mnt/data/a.csv and sandbox:/mnt/data/b.csv now'
    const want = `See ${url('a.csv')} and ${url('b.csv')} now`
    for (const [start, end] of [
      [0, 0],
      [4, 59],
      [4, 31],
      [5, 28],
      [30, 4],
      [4, 1e9],
    ] as const) {
      expect((await rewrite(text, [cite('a.csv', start, end)])).text).toBe(want)
    }
  })

  it('is JSON where its text was', async () => {
    const text =
      '{"h":"<a href=\\"sandbox:/mnt/data/j.csv\\">x</a>","m":"sandbox:/mnt/data/k.csv\\nBye"}'
    const part = await rewrite(text)
    expect(JSON.parse(part.text)).toEqual({
      h: `<a href="${url('j.csv')}">x</a>`,
      m: `${url('k.csv')}\nBye`,
    })
  })
})
