import { describe, expect, it } from 'vitest'
import { apiKey } from '../src/azure/credentials.ts'
import type { Log } from '../src/gateway/gateway.ts'
import { openHarness } from './lib/harness.ts'

describe('an error', () => {
  it('is not cached, so that a file that exists later is seen', async () => {
    const { ask, respond, advance } = openHarness()
    const [file] = await respond('Save a CSV')
    const container = `/containers/${file?.container_id}`
    const missing = [
      `${container}/path/later.png`,
      '/files/cfile_unknown',
      '/nowhere',
      '/v1/models//x',
    ]
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

describe('an app without a public URL', () => {
  it('logs once that its links lead to loopback, with the setting to change', async () => {
    const warnings: string[] = []
    const log: Log = (level, message) => void (level === 'warn' && warnings.push(message))
    const { respond } = openHarness({ log, publicUrl: undefined })
    await respond('Save a CSV')
    await respond('Save a CSV')
    expect(warnings).toEqual([expect.stringMatching(/^CFILE_PUBLIC_URL .* is not set/)])
    openHarness({ log, publicUrl: 'https://files.example.com/ai' })
    expect(warnings).toHaveLength(1)
  })
})

describe('a client that disconnects', () => {
  it('does not count as a failure of the gateway, in the log or in the metrics', async () => {
    const lines: string[] = []
    const client = new AbortController()
    const { ask } = openHarness({
      log: (level, message, fields) => void lines.push(`${level}: ${message} ${fields?.outcome}`),
      upstreams: [
        {
          endpoint: 'http://silent.localhost',
          credential: apiKey('a-secret-key'),
          fetch: (_, init) =>
            new Promise((_, reject) => {
              init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
              // As src/node.ts does.
              client.abort('Client connection prematurely closed.')
            }),
        },
      ],
    })
    const path = `/files/cfile_${'a'.repeat(32)}?container_id=cntr_${'b'.repeat(48)}`
    expect((await ask(path, { signal: client.signal })).status).toBe(499)
    expect(lines).toEqual(['info: GET /files/{file_id} 499 client_left'])
    const metrics = await (await ask('/metrics')).text()
    expect(metrics).toContain('cfile_requests_total{family="files",status="4xx"} 1')
  })
})
