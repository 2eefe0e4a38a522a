import { afterEach, expect, it, vi } from 'vitest'
import { consoleLog } from '../../src/start/open-app.ts'

afterEach(() => vi.restoreAllMocks())

it('a line of the log tells only what there is, in either form', () => {
  const error = vi.spyOn(console, 'error').mockReturnValue()
  for (const logFormat of ['pretty', 'json'] as const) {
    consoleLog({ logLevel: 'info', logFormat })('warn', 'Odd.', { code: 'x', cause: undefined })
  }
  const [[pretty], [json]] = error.mock.calls as [[string], [string]]
  expect(pretty).toMatch(/^\S+ warn Odd\. code="x"$/)
  const { time, ...rest } = JSON.parse(json)
  expect(pretty.slice(0, 11)).toBe(time.slice(0, 11))
  expect(rest).toEqual({ level: 'warn', message: 'Odd.', code: 'x' })
})
