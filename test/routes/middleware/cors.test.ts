import { describe, expect, it } from 'vitest'
import { openCallers } from '../../lib/callers.ts'

const page = 'https://app.example'
const corsHeaders = (answer: Response) =>
  [...answer.headers].filter(([name]) => name.startsWith('access-control-'))
const exposed =
  'Content-Disposition,Content-Length,Content-Range,Accept-Ranges,ETag,Repr-Digest,Retry-After,x-request-id'

const preflight = (origin: string): RequestInit => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'authorization, range',
  },
})

describe('a page of another origin', () => {
  it('reads files, ranges and names when CFILE_CORS_ORIGINS has its origin', async () => {
    const gateway = openCallers({ corsOrigins: [page, 'http://localhost:5173'] })
    const { file } = await gateway.as('ann').answer('Save the numbers as a CSV.')
    const answer = await gateway.as('ann').ask(`/files/${file.file_id}`, {
      headers: { origin: page, range: 'bytes=0-3' },
    })
    expect(answer.status).toBe(206)
    expect((await answer.arrayBuffer()).byteLength).toBe(4)
    expect(Object.fromEntries(corsHeaders(answer))).toEqual({
      'access-control-allow-origin': page,
      'access-control-expose-headers': exposed,
    })
    expect(answer.headers.get('vary')).toMatch(/origin/i)
  })

  it('gets preflights without a key, since browsers send none then', async () => {
    const gateway = openCallers({ corsOrigins: [page] })
    for (const path of [
      '/s/token/sales.csv',
      '/files/cfile_1',
      '/containers/cntr_1/files',
      '/captures',
      '/links',
      '/v1/responses',
      '/openai/v1/responses',
    ]) {
      const answer = await gateway.ask(path, preflight(page))
      expect([path, answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([
        path,
        204,
        page,
      ])
      expect(answer.headers.get('access-control-allow-headers')).toBe('authorization,range')
      expect(answer.headers.get('access-control-allow-methods')).toContain('DELETE')
    }
  })

  it('reads errors too, so that a person sees the cause', async () => {
    const gateway = openCallers({ corsOrigins: ['*'] })
    for (const path of [
      '/s/token/sales.csv',
      '/files/cfile_none',
      '/containers/none/files',
      '/openai/v1/responses/resp_1',
      '/files',
    ]) {
      const answer = await gateway.ask(path, { headers: { origin: page } })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    }
  })

  it('never sends cookies', async () => {
    const gateway = openCallers({ corsOrigins: ['*', page] })
    for (const init of [preflight(page), { headers: { origin: page } }]) {
      const answer = await gateway.ask('/files/cfile_1', init)
      expect(answer.headers.has('access-control-allow-credentials')).toBe(false)
    }
  })

  it('of an origin that is not listed reads nothing', async () => {
    const gateway = openCallers({ corsOrigins: [page] })
    for (const origin of [
      'https://evil.example',
      'null',
      `${page}.evil.example`,
      'http://app.example',
    ]) {
      for (const init of [preflight(origin), { headers: { origin } }]) {
        const answer = await gateway.ask('/files/cfile_1', init)
        expect(answer.headers.has('access-control-allow-origin')).toBe(false)
      }
    }
  })

  it('gets no CORS header without the setting, with any header of the upstream', async () => {
    const gateway = openCallers()
    await gateway.fault({ headers: { 'access-control-allow-origin': '*' } })
    const init = { headers: { origin: page } }
    expect(corsHeaders(await gateway.as('admin').ask('/openai/v1/models', init))).toEqual([])
    expect(corsHeaders(await gateway.ask('/files/cfile_1', init))).toEqual([])
  })

  it('cannot use routes that are not for pages: metrics, health, erasing an owner', async () => {
    const gateway = openCallers({ corsOrigins: ['*'] })
    for (const path of ['/metrics', '/healthz', '/owners/ann']) {
      expect(corsHeaders(await gateway.ask(path, { headers: { origin: page } }))).toEqual([])
    }
  })
})
