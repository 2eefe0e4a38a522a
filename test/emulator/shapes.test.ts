import { describe, expect, it } from 'vitest'
import { autoContainer, citationsOf, openEmulator } from './ask.ts'

describe('shapes', () => {
  it('are equal to real answers, so that the check in `sdk-types.ts` means something', async () => {
    const asking = openEmulator()
    const response = await asking.respond('a CSV', { model: 'gpt-5-mini' })
    const [citation] = citationsOf(response)
    expect(Object.keys(citation ?? {})).toEqual(
      'type container_id end_index file_id filename start_index'.split(' '),
    )
    expect(response.output.map((item) => Object.keys(item).join(' '))).toEqual([
      'id type summary',
      'id type status code container_id outputs',
      'id type status content role',
    ])
    expect(response.tools).toEqual(autoContainer)
    const rows = await asking.listFiles(citation?.container_id ?? '')
    expect(Object.keys(rows[0] ?? {}).join(' ')).toBe(
      'id object created_at bytes container_id path source',
    )
  })
})
