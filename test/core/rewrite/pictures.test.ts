import { describe, expect, it } from 'vitest'
import { linkAnswer } from '../../../src/core/rewrite/linker.ts'
import { plainLinks } from '../../fixtures/answers.ts'

const container_id = 'cntr_a1'
const type = 'container_file_citation'

function picture(bytes: number): object {
  return { type: 'image', url: `data:image/png;base64,${btoa('x'.repeat(bytes))}` }
}

function plot(id: string): object {
  const filename = `${id}.png`
  return { type, container_id, file_id: id, filename, start_index: 0, end_index: 0 }
}

function answer(outputs: readonly object[], annotations: readonly object[]): string {
  return JSON.stringify({
    object: 'response',
    output: [
      { type: 'code_interpreter_call', container_id, outputs },
      { type: 'message', content: [{ type: 'output_text', annotations, text: 'See.' }] },
    ],
  })
}

async function picturesOf(json: string, sizes: Record<string, number>): Promise<string[]> {
  const linked = await linkAnswer(json, {
    links: plainLinks,
    sizes: async () => new Map(Object.entries(sizes)),
  })
  return [...linked.matchAll(/"url":"([^"]*)"/g)].map(([, url = '']) => url.slice(0, 40))
}

const kept = 'data:image/png;base64,'

describe('pictures in an answer', () => {
  it('become links if each has the size of the plot of its turn', async () => {
    const json = answer(
      [picture(10), { type: 'logs', logs: 'x' }, picture(11)],
      [plot('cfile_1'), plot('cfile_2')],
    )
    expect(await picturesOf(json, { cfile_1: 10, cfile_2: 11 })).toEqual([
      'https://x.io/f/cntr_a1/cfile_1',
      'https://x.io/f/cntr_a1/cfile_2',
    ])
  })

  it('stay if it is not certain which file each one is', async () => {
    const two = [picture(10), picture(11)]
    const plots = [plot('cfile_1'), plot('cfile_2')]
    const doubts: [string, Record<string, number>][] = [
      [answer(two, plots), { cfile_1: 11, cfile_2: 10 }],
      [answer(two, plots), { cfile_1: 10 }],
      [answer(two, plots.slice(1)), { cfile_1: 10, cfile_2: 11 }],
      [answer(two.slice(1), plots), { cfile_1: 10, cfile_2: 11 }],
    ]
    for (const [json, sizes] of doubts) {
      for (const url of await picturesOf(json, sizes)) expect(url).toContain(kept)
    }
  })

  it('stay if no links are wanted', async () => {
    const json = answer([picture(10)], [plot('cfile_1')])
    const linked = await linkAnswer(json, { links: plainLinks })
    expect(linked).toContain(kept)
  })
})
