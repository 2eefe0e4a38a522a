import { describe, expect, it } from 'vitest'
import { faultKinds } from '../../src/emulator/faults.ts'
import type { Citation } from '../../src/emulator/shapes.ts'
import { type Asking, bytesOf, first, openEmulator, project, refusal } from './ask.ts'

async function withFile(prompt = 'a 200 KB file'): Promise<Asking & { file: Citation }> {
  const asking = openEmulator()
  return { ...asking, file: first(await asking.cited(prompt)) }
}

/** The bytes until the body failed. Throws if it did not fail. */
async function untilBroken(answer: Response): Promise<number> {
  let bytes = 0
  const reader = answer.body?.getReader()
  for (;;) {
    const piece = await reader?.read().catch(() => 'broken' as const)
    if (piece === 'broken') return bytes
    if (piece?.value === undefined) throw new Error('The body ended.')
    bytes += piece.value.byteLength
  }
}

describe('faults', () => {
  it('affect as many requests as they say, by default one, and only matching ones', async () => {
    const asking = openEmulator()
    await asking.fault({ match: { method: 'get', path: '/models' }, status: 503 })
    expect((await asking.get('/containers')).status).toBe(200)
    expect((await asking.get('/models')).status).toBe(503)
    expect((await asking.get('/models')).status).toBe(200)
    await asking.fault({ match: { path: '/openai/*/models' }, status: 500, times: 2 })
    expect((await asking.get('/models/a')).status).toBe(404)
    const statuses = [await asking.get('/models'), await asking.get('/models')]
    expect(statuses.map(({ status }) => status)).toEqual([500, 500])
    expect((await asking.get('/models')).status).toBe(200)
  })

  it('wait for each other if both fail a request, and combine if one only changes it', async () => {
    const { fault, file, content } = await withFile()
    await fault([{ status: 500 }, { cut_after: 10 }, { range: true, times: 3 }])
    expect((await content(file)).status).toBe(500)
    const cut = await content(file)
    expect(cut.headers.get('accept-ranges')).toBe('bytes')
    expect(await untilBroken(cut)).toBe(10)
    expect((await bytesOf(await content(file))).byteLength).toBe(200_000)
  })

  it('can be listed and removed', async () => {
    const asking = openEmulator()
    await asking.fault([{ kind: 'html', times: 3 }, { hang: true }])
    await asking.get('/models')
    const list = await asking.request('/emulator/faults')
    expect(await list.json()).toEqual({
      object: 'list',
      data: [
        { kind: 'html', times: 2 },
        { hang: true, times: 1 },
      ],
    })
    await asking.request('/emulator/faults', { method: 'DELETE' })
    expect((await asking.get('/models')).status).toBe(200)
  })

  it('are refused if misspelled, so that tests notice', async () => {
    const { fault } = openEmulator()
    for (const body of [{ stats: 500 }, { kind: 'bad_day' }, 'html', null]) {
      expect((await fault(body)).status, JSON.stringify(body)).toBe(400)
    }
  })

  it('do not affect the emulator’s own controls', async () => {
    const asking = openEmulator()
    await asking.fault({ status: 500 })
    expect((await asking.request('/emulator/clock')).status).toBe(200)
  })
})

describe('wrong answers', () => {
  it('have names, and are as seen from Azure', async () => {
    const asking = openEmulator()
    const seen: Record<string, number> = {}
    for (const kind of Object.keys(faultKinds)) {
      await asking.fault({ kind })
      seen[kind] = (await asking.get('/models')).status
    }
    expect(seen).toEqual({
      wrong_key: 401,
      key_disabled: 403,
      wrong_audience: 401,
      rbac: 401,
      firewall: 403,
      check_access: 400,
      container_expired: 400,
      timeout: 408,
      throttled: 429,
      server_error: 500,
      resource_not_found: 404,
      html: 200,
      redirect: 302,
      empty_204: 204,
    })
  })

  it('name the required audience, without an envelope', async () => {
    const asking = openEmulator()
    for (const [base, audience] of [
      [undefined, 'cognitiveservices'],
      [project, 'ai'],
    ]) {
      await asking.fault({ kind: 'wrong_audience' })
      expect(await (await asking.get('/models', base)).json()).toEqual({
        statusCode: 401,
        message: expect.stringContaining(`(https://${audience}.azure.com)`),
      })
    }
  })

  it('send a throttled client the time of its next try', async () => {
    const asking = openEmulator()
    await asking.fault({ kind: 'throttled', headers: { 'retry-after': '3' } })
    const { status, headers } = await asking.get('/models')
    const retryHeaders = [headers.get('retry-after'), headers.get('retry-after-ms')]
    expect([status, retryHeaders]).toEqual([429, ['3', '1000']])
  })

  it('can be custom', async () => {
    const asking = openEmulator()
    await asking.fault([
      { status: 418, body: { error: 'teapot' }, headers: { 'x-a': 'b' } },
      { body: 'plain' },
      { status: 204 },
    ])
    const made = await asking.get('/models')
    expect(made.headers.get('x-a')).toBe('b')
    expect(await refusal(made)).toEqual([418, { error: 'teapot' }])
    const plain = await asking.get('/models')
    expect([plain.status, await plain.text()]).toEqual([200, 'plain'])
    expect((await asking.get('/models')).status).toBe(204)
  })
})

describe('slowness', () => {
  it('delays an answer', async () => {
    const waited: number[] = []
    const asking = openEmulator({
      wait: async (ms) => {
        waited.push(ms)
      },
    })
    await asking.fault({ delay_ms: 1234 })
    expect((await asking.get('/models')).status).toBe(200)
    expect(waited).toEqual([1234])
  })

  it('lasts for ever, until the client gives up as a fetch does', async () => {
    const asking = openEmulator()
    for (const fault of [{ hang: true }, { delay_ms: 60_000 }]) {
      await asking.fault(fault)
      const abort = new AbortController()
      const answer = asking.request('/openai/v1/models', { signal: abort.signal })
      abort.abort(new Error('enough'))
      await expect(answer).rejects.toThrow('enough')
    }
  })

  it('stalls in the middle of a body, until the client gives up', async () => {
    const { fault, file, content } = await withFile()
    await fault({ stall_after: 1000 })
    const abort = new AbortController()
    const reader = (await content(file, { signal: abort.signal })).body?.getReader()
    expect((await reader?.read())?.value?.byteLength).toBe(1000)
    const next = reader?.read()
    abort.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
  })
})

describe('bodies', () => {
  it.each([0, 1, 65_536, 65_537, 199_999])('break after %i bytes', async (bytes) => {
    const { fault, file, content } = await withFile()
    await fault({ cut_after: bytes })
    const answer = await content(file)
    expect(answer.headers.get('content-length')).toBe('200000')
    expect(await untilBroken(answer)).toBe(bytes)
  })

  it('end early like complete bodies, without a length that would show it', async () => {
    const { fault, file, content } = await withFile()
    await fault({ end_after: 1000, no_length: true })
    const answer = await content(file)
    expect(answer.headers.get('content-length')).toBeNull()
    expect((await bytesOf(answer)).byteLength).toBe(1000)
  })

  it('count what the client read, also when cut', async () => {
    const { fault, file, content, request } = await withFile()
    await fault({ cut_after: 12_345 })
    await untilBroken(await content(file))
    await bytesOf(await content(file))
    const log = (await (await request('/emulator/requests')).json()) as {
      data: { bytes: number }[]
    }
    expect(log.data.slice(-2).map(({ bytes }) => bytes)).toEqual([12_345, 200_000])
  })

  it('change between two requests but keep their length', async () => {
    const { fault, file, content } = await withFile()
    const before = await bytesOf(await content(file))
    await fault({ change_content: 150_000, etag: true, times: 1 })
    const changed = await content(file)
    const after = await bytesOf(changed)
    expect(after.byteLength).toBe(before.byteLength)
    expect(after.subarray(0, 150_000)).toEqual(before.subarray(0, 150_000))
    expect(after.subarray(150_000)).not.toEqual(before.subarray(150_000))
    expect(await bytesOf(await content(file))).toEqual(before)
    await fault({ change_content: true })
    expect((await bytesOf(await content(file)))[0]).not.toBe(before[0])
    await fault({ etag: true })
    expect((await content(file)).headers.get('etag')).not.toBe(changed.headers.get('etag'))
  })

  it('come in ranges on request', async () => {
    const { fault, file, content } = await withFile()
    const whole = await bytesOf(await content(file))
    await fault({ range: true, etag: '"v1"', times: 9 })
    const ask = (range: string, more: object = {}) => content(file, { headers: { range, ...more } })
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=65530-65545', 65_530, 65_546],
      ['bytes=199990-', 199_990, 200_000],
      ['bytes=-10', 199_990, 200_000],
      ['bytes=5-999999', 5, 200_000],
    ] as const) {
      const answer = await ask(range)
      expect(answer.status).toBe(206)
      expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/200000`)
      expect(answer.headers.get('content-length')).toBe(String(end - start))
      expect(await bytesOf(answer)).toEqual(whole.subarray(start, end))
    }
    const beyond = await ask('bytes=200000-')
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */200000'])
    expect((await ask('bytes=0-1', { 'if-range': '"v0"' })).status).toBe(200)
    expect((await ask('bytes=0-1', { 'if-range': '"v1"' })).status).toBe(206)
  })

  it('of a stream break too', async () => {
    const asking = openEmulator()
    await asking.fault({ match: { path: '/responses' }, cut_after: 100 })
    const answer = await asking.post('/responses', { model: 'm', input: 'hi', stream: true })
    expect(await untilBroken(answer)).toBe(100)
  })
})
