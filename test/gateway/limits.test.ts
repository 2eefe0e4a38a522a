import { describe, expect, it } from 'vitest'
import { apiKey } from '../../src/azure/credentials.ts'
import { openCallers } from '../lib/callers.ts'
import { errorCode, json } from '../lib/harness.ts'

const prompt = 'Save a 1 MB binary file.'

describe('a limit on requests', () => {
  it('applies to each owner separately, includes signed links and says when to retry', async () => {
    const gateway = openCallers({ maxRequestsPerMinute: 6 })
    const { file } = await gateway.as('ann').answer('Save the numbers as a CSV.')
    const made = await gateway.as('ann').ask('/links', json({ file_id: file.file_id }))
    const { pathname, search } = new URL(
      ((await made.json()) as { download_url: string }).download_url,
    )
    for (let sent = 2; sent < 6; sent += 1) {
      expect((await gateway.ask(pathname + search)).status).toBe(200)
    }
    await gateway.requests()
    for (const refused of [
      await gateway.ask(pathname + search),
      await gateway.as('ann').ask('/v1/models'),
    ]) {
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10'])
      expect(await errorCode(refused)).toBe('rate_limited')
    }
    expect(await gateway.requests()).toEqual([])
    expect((await gateway.as('bob').ask('/files/cfile_a')).status).toBe(404)
    expect((await gateway.ask('/healthz')).status).toBe(200)
    gateway.advance(10)
    expect((await gateway.ask(pathname + search)).status).toBe(200)
  })
})

describe('a limit on downloads', () => {
  it('counts a download until its body has ended or was cancelled', async () => {
    const gateway = openCallers({ maxDownloads: 2 })
    const { file } = await gateway.as('ann').answer(prompt)
    const paths = [
      `/files/${file.file_id}`,
      `/openai/v1/containers/${file.container_id}/files/${file.file_id}/content`,
    ]
    const open = await Promise.all(paths.map((path) => gateway.as('ann').ask(path)))
    expect(open.map(({ status }) => status)).toEqual([200, 200])
    const refused = await gateway.as('ann').ask(paths[0] ?? '')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
    expect(await errorCode(refused)).toBe('rate_limited')
    expect((await gateway.as('ann').ask(paths[0] ?? '', { method: 'HEAD' })).status).toBe(200)
    expect((await gateway.as('bob').ask('/files/cfile_a')).status).toBe(404)
    await open[0]?.arrayBuffer()
    const next = await gateway.as('ann').ask(paths[0] ?? '')
    expect(next.status).toBe(200)
    await open[1]?.body?.cancel()
    const last = await gateway.as('ann').ask(paths[0] ?? '')
    expect(last.status).toBe(200)
    expect((await last.arrayBuffer()).byteLength).toBe(Number(next.headers.get('content-length')))
    await next.body?.cancel()
  })

  it('does not count refused requests', async () => {
    const gateway = openCallers({ maxDownloads: 1 })
    for (let asked = 0; asked < 3; asked += 1) {
      expect((await gateway.as('ann').ask('/files/cfile_nobodys')).status).toBe(404)
    }
  })

  it('no longer counts a client that leaves before its answer', async () => {
    const gone = new AbortController()
    let isSlow = false
    const { emulator } = openCallers()
    const gateway = openCallers({
      maxDownloads: 1,
      upstreams: [
        {
          endpoint: 'http://emulator.localhost',
          credential: apiKey('a-secret-key'),
          async fetch(input, init) {
            if (!isSlow) return emulator.fetch(new Request(input, init))
            return new Promise((_, reject) => {
              init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
              gone.abort('Client connection prematurely closed.')
            })
          },
        },
      ],
    })
    const { file } = await gateway.as('ann').answer(prompt)
    const path = `/files/${file.file_id}`
    isSlow = true
    await gateway.as('ann').ask(path, { signal: gone.signal })
    isSlow = false
    expect((await gateway.as('ann').ask(path)).status).toBe(200)
  })

  it('counts the bytes that were sent, and opens nothing upstream when they are used up', async () => {
    const gateway = openCallers({ maxDownloadBytesPerHour: 1_500_000 })
    const { file } = await gateway.as('ann').answer(prompt)
    const path = `/files/${file.file_id}`
    const size = (await (await gateway.as('ann').ask(path)).arrayBuffer()).byteLength
    expect((await (await gateway.as('ann').ask(path)).arrayBuffer()).byteLength).toBe(size)
    await gateway.requests()
    const refused = await gateway.as('ann').ask(path)
    expect(refused.status).toBe(429)
    const seconds = Number(refused.headers.get('retry-after'))
    expect(seconds).toBe(Math.ceil(((2 * size - 1_500_000 + 1) * 3600) / 1_500_000))
    expect(await gateway.requests()).toEqual([])
    gateway.advance(seconds - 1)
    expect((await gateway.as('ann').ask(path)).status).toBe(429)
    gateway.advance(1)
    // The container has expired by then.
    expect((await gateway.as('ann').ask(path)).status).toBe(410)
  })
})

describe('a client that reads nothing', () => {
  it('loses the download after the idle timeout, and no longer counts', async () => {
    const gateway = openCallers({ maxDownloads: 1, idleTimeoutMs: 50 })
    const { file } = await gateway.as('ann').answer(prompt)
    const path = `/files/${file.file_id}`
    const slow = await gateway.as('ann').ask(path)
    expect((await gateway.as('ann').ask(path)).status).toBe(429)
    const statusOf = async () => {
      const again = await gateway.as('ann').ask(path)
      await again.arrayBuffer()
      return again.status
    }
    // A busy machine may take longer than the idle timeout.
    await expect.poll(statusOf, { timeout: 10_000 }).toBe(200)
    await expect(slow.arrayBuffer()).rejects.toThrow()
  })

  it('keeps the download while it reads slowly', async () => {
    const gateway = openCallers({ maxDownloads: 1, idleTimeoutMs: 60 })
    const { file } = await gateway.as('ann').answer(prompt)
    const answer = await gateway.as('ann').ask(`/files/${file.file_id}`)
    let length = 0
    for await (const chunk of answer.body ?? []) {
      length += chunk.byteLength
      if (length < 400_000) await new Promise((resolve) => setTimeout(resolve, 25))
    }
    expect(length).toBe(Number(answer.headers.get('content-length')))
  })
})
