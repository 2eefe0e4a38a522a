import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { consoleLog } from '../../src/start/console-log.ts'

afterEach(() => vi.restoreAllMocks())

const methods = ['debug', 'info', 'warn', 'error'] as const
type LogFormat = Parameters<typeof consoleLog>[0]['logFormat']

/** Hears what a log writes. */
function hear(): { readonly lines: (readonly [method: string, line: string])[] } {
  const lines: (readonly [string, string])[] = []
  for (const method of methods) {
    vi.spyOn(console, method).mockImplementation((line: string) => void lines.push([method, line]))
  }
  return { lines }
}

/** The one line that a call writes. */
function write(logFormat: LogFormat, ...call: Parameters<ReturnType<typeof consoleLog>>): string {
  const { lines } = hear()
  consoleLog({ logLevel: 'debug', logFormat })(...call)
  return lines[0]?.[1] ?? ''
}

describe('the log on the console', () => {
  it.each(['json', 'pretty'] as const)(
    'writes each level by its own method, as %s',
    (logFormat) => {
      const { lines } = hear()
      const log = consoleLog({ logLevel: 'debug', logFormat })
      for (const level of methods) log(level, 'Done.')
      expect(lines.map(([method]) => method)).toEqual(methods)
      for (const [method, line] of lines) expect(line).toContain(method)
    },
  )

  it('writes no level below its own, and says so before a line is made', () => {
    for (const logLevel of [...methods, 'silent'] as const) {
      const { lines } = hear()
      const log = consoleLog({ logLevel, logFormat: 'json' })
      const written = methods.filter((level) => log.writes?.(level))
      expect(written).toEqual(logLevel === 'silent' ? [] : methods.slice(methods.indexOf(logLevel)))
      for (const level of methods) log(level, 'Done.')
      expect(lines.map(([method]) => method)).toEqual(written)
      vi.restoreAllMocks()
    }
  })

  it('writes only the fields that have a value', () => {
    const fields = { code: 'x', cause: undefined }
    const { time, ...rest } = JSON.parse(write('json', 'warn', 'Odd.', fields))
    expect(Date.parse(time)).toBeGreaterThan(0)
    expect(rest).toEqual({ level: 'warn', message: 'Odd.', code: 'x' })
    vi.restoreAllMocks()
    expect(write('pretty', 'warn', 'Odd.', fields)).toMatch(/^\d\d:\d\d:\d\d warn {2}Odd\. code=x$/)
  })
})

const request = {
  request_id: 'c2a1f0de-3c83-4f6b-9a39-6f1f4bb0a1c7',
  method: 'GET',
  route: '/containers/{container_id}/files/{file_id}',
  status: 200,
  bytes: 2082,
  ms: 12.3,
  ttfb_ms: 3.1,
  owner: 'team',
  file_id: 'cfile_6b0ab2823e38803766b5a1c196546b06',
  container_id: 'cntr_6b0ab282a824b8b5b221e5e71a0509bafc7dc973cae8ad4a',
  upstream: 'default',
  from: 'archive',
  outcome: 'done',
  aborted: false,
}

describe('the log for a person', () => {
  it('has a request on one line of at most 120 columns, what matters first', () => {
    const message = `GET ${request.route} 200`
    expect(write('pretty', 'info', message, request).slice(9)).toBe(
      'info  GET /containers/{container_id}/files/{file_id} 200 ms=12.3 bytes=2082 from=archive file_id=cfile_6…546b06',
    )
    vi.restoreAllMocks()
    const short = write('pretty', 'info', 'GET /files/{file_id} 200', {
      ...request,
      route: '/files/{file_id}',
    })
    expect(short).toContain('from=archive file_id=cfile_6…546b06 owner=team')
  })

  it('never has a line over 120 columns', () => {
    const fields = fc.dictionary(
      fc.stringMatching(/^[a-z_]{1,20}$/),
      fc.oneof(fc.string(), fc.nat()),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...methods),
        fc.string({ maxLength: 400 }),
        fields,
        (level, message, more) => {
          const text = write('pretty', level, message, more)
          vi.restoreAllMocks()
          for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
          if (level === 'info' || level === 'debug') expect(text).not.toContain('\n')
        },
      ),
    )
  })

  it('takes as many lines as the hint of a failure needs', () => {
    const hint = `Set ${'one thing and '.repeat(20)}another.`
    const text = write('pretty', 'error', 'The archive failed.', { code: 'not_ready', hint })
    expect(text.split('\n').length).toBeGreaterThan(1)
    expect(text.replaceAll(/\s+/g, ' ')).toContain(`code=not_ready hint="${hint}"`)
  })
})
