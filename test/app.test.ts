import { describe, expect, it } from 'vitest'
import { openHarness } from './harness.ts'

describe('an error', () => {
  it('is kept by no cache on its way, so that a file that comes later is seen', async () => {
    const { ask, respond, advance } = openHarness()
    const [file] = await respond('Save a CSV')
    const container = `/containers/${file?.container_id}`
    const missing = [`${container}/path/later.png`, '/files/cfile_unknown', '/nowhere', '/v1//x']
    const answers = await Promise.all(missing.map((path) => ask(path)))
    advance(2 * 3600)
    answers.push(await ask(`/files/${file?.file_id}`))
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 400, 410])
    for (const { headers } of answers) {
      expect(headers.get('cache-control')).toBe('private, no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })
})
