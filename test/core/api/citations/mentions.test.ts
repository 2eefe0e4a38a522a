import { describe, expect, it } from 'vitest'
import { createFindings } from '../../../../src/core/api/citations/mentions.ts'

describe('createFindings', () => {
  it('returns each thing once, in order of appearance', () => {
    const found = createFindings()
    for (const id of ['cntr_b', 'cntr_a', 'cntr_b', 'cfile_a', undefined, 5]) found.container(id)
    for (const id of ['resp_a', 'resp a', {}, 'resp_a']) found.response(id)
    for (const id of ['conv_a', null, '', 'conv_b']) found.conversation(id)
    expect(found.mentions()).toEqual({
      responses: ['resp_a'],
      conversations: ['conv_a', 'conv_b'],
      containers: ['cntr_b', 'cntr_a'],
      citations: [],
    })
  })

  it('keeps the first name and the first span of a file, and adds a name once one is known', () => {
    const found = createFindings()
    const file = { container_id: 'cntr_a', file_id: 'cfile_a' }
    found.citation({ ...file, start_index: 1, end_index: 2 })
    found.citation({ ...file, filename: 'a.csv', start_index: 0, end_index: 0 })
    found.citation({ ...file, filename: 'b.csv' })
    expect(found.mentions().citations).toEqual([
      { ...file, start_index: 1, end_index: 2, filename: 'a.csv' },
    ])
  })

  it('merges the mentions of several answers', () => {
    const one = createFindings()
    one.response('resp_a')
    one.citation({ container_id: 'cntr_a', file_id: 'cfile_a' })
    const both = createFindings()
    both.conversation('conv_a')
    both.all(one.mentions())
    both.all(one.mentions())
    expect(both.mentions()).toEqual({ ...one.mentions(), conversations: ['conv_a'] })
  })

  it('limits how many things one answer can add to a store', () => {
    const found = createFindings()
    for (let at = 0; at < 30_000; at += 1) {
      found.response(`resp_${at}`)
      found.citation({ container_id: `cntr_${at}`, file_id: 'cfile_a' })
    }
    const { responses, containers, citations } = found.mentions()
    expect([responses, containers, citations].map(({ length }) => length)).toEqual([
      10_000, 10_000, 10_000,
    ])
  })
})
