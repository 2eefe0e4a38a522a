import { describe, expect, it } from 'vitest'
import { createApp } from '../../../src/app.ts'
import { apiKey } from '../../../src/azure/credentials.ts'
import type { AppOptions } from '../../../src/options.ts'
import { openArchived } from '../../lib/archived.ts'
import { openCallers } from '../../lib/callers.ts'
import { grantIn, json, openHarness, pathOf } from '../../lib/harness.ts'

interface Stored {
  readonly path: string
  readonly body: string
  readonly bytes?: number | null
}

const now = 1_790_000_000

/** A gateway with a container of these files, and the ranges that the upstream was asked for. */
function openContainer(
  files: readonly Stored[],
  answer?: (index: number, request: Request) => Promise<Response> | Response,
  options: Partial<AppOptions> = {},
) {
  const ranges: (string | null)[] = []
  const rows = files.map(({ path, body, bytes }, index) => ({
    id: `cfile_${1000 + index}`,
    object: 'container.file',
    path: `/mnt/data/${path}`,
    bytes: bytes === undefined ? new TextEncoder().encode(body).byteLength : bytes,
    source: 'assistant',
    container_id: 'cntr_1',
    created_at: now,
  }))
  const upstream = {
    endpoint: 'http://upstream.localhost',
    credential: apiKey('a-key'),
    async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
      const request = new Request(input, init)
      const { pathname } = new URL(request.url)
      const [, index] = /\/cfile_1(\d+)\/content$/.exec(pathname) ?? []
      if (index === undefined) return Response.json({ data: rows, has_more: false })
      const range = request.headers.get('range')
      ranges.push(range)
      if (answer !== undefined) return answer(Number(index), request)
      return partOf(files[Number(index)]?.body ?? '', range)
    },
  }
  const retry = { attempts: 1 }
  const app = createApp({ now: () => now, upstreams: [upstream], retry, ...options })
  const open = async (init?: RequestInit) => {
    const answered = await app.request('/containers/cntr_1', init)
    return { status: answered.status, text: await answered.text() }
  }
  return { open, ranges }
}

function partOf(text: string, range: string | null): Response {
  const body = new TextEncoder().encode(text)
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
  if (start === undefined) return new Response(body)
  const part = body.slice(Number(start), Number(end) + 1)
  const headers = { 'content-range': `bytes ${start}-${end}/${body.byteLength}` }
  return new Response(part, { status: 206, headers })
}

describe('the previews of a page', () => {
  it('show the beginning of tables and texts as escaped text', async () => {
    const hostile = '<img src=x onerror=alert(1)>'
    const { text } = await openContainer([
      { path: 'a.csv', body: `name,${hostile}\n"=1+1","</td><script>1</script>"\n` },
      { path: 'page.html', body: `<script>alert(1)</script>${hostile}` },
      { path: 'read.md', body: `# Title\n[x](javascript:alert(1))` },
      { path: 'out/data.json', body: '{"a": "</pre>"}' },
    ]).open()
    expect(text).toContain('<th scope="col">name')
    expect(text).toContain('<td>=1+1<td>&lt;/td&gt;&lt;script&gt;')
    expect(text).toContain('\n&lt;script&gt;alert(1)&lt;/script&gt;&lt;img')
    expect(text).toContain('# Title\n[x](javascript:alert(1))</pre>')
    expect(text).toContain('<span class="dim">out/</span>')
    expect(text).not.toMatch(/<img src=x|<script>/)
  })

  it('read only the beginning of a file of any size', async () => {
    const { open, ranges } = openContainer([
      { path: 'large.csv', body: 'a,b\n'.repeat(100_000) },
      { path: 'small.txt', body: 'short' },
      { path: 'empty.txt', body: '' },
    ])
    const { text } = await open()
    expect(ranges.sort()).toEqual(['bytes=0-32767', 'bytes=0-4'])
    expect(text).toContain('First 50 rows.')
    expect(text).toContain('The file is empty.')
  })

  it('cancel a file of unknown length after its beginning', async () => {
    let sent = 0
    const body = new ReadableStream({
      pull(controller) {
        sent += 1024
        controller.enqueue(new TextEncoder().encode('0123456789abcde\n'.repeat(64)))
      },
    })
    const files = [{ path: 'log.txt', body: '', bytes: null }]
    const { text } = await openContainer(files, () => new Response(body)).open()
    expect(text).toContain('First 40 lines.')
    expect(sent).toBeLessThan(256 * 1024)
  })

  it('are made for the first sixteen texts only', async () => {
    const files = Array.from({ length: 60 }, (_, index) => ({ path: `${index}.txt`, body: 'x' }))
    const { open, ranges } = openContainer(files)
    const { text } = await open()
    expect(ranges).toHaveLength(16)
    expect(text.match(/<details>/g)).toHaveLength(16)
    expect(text).toContain('60 files')
  })

  it('are not made for a HEAD', async () => {
    const { open, ranges } = openContainer([{ path: 'a.txt', body: 'x' }])
    expect((await open({ method: 'HEAD' })).status).toBe(200)
    expect(ranges).toEqual([])
  })

  it('are not made for files that are no text, with any name', async () => {
    const { text } = await openContainer([{ path: 'a.csv', body: 'PK\u0003\u0004\0\0' }]).open()
    expect(text).toContain('a.csv')
    expect(text).not.toContain('<details')
  })

  it('leave the page unchanged when they fail', async () => {
    const files = ['a.csv', 'b.txt', 'c.json', 'd.py'].map((path) => ({ path, body: 'abc' }))
    const { status, text } = await openContainer(files, (index) => {
      if (index === 0) return new Response(null, { status: 500 })
      if (index === 1) return new Response(null, { status: 404 })
      if (index === 2) return partOf('something else', 'bytes=0-2')
      return new Response(
        new ReadableStream({
          pull(controller) {
            controller.error(new Error('broken'))
          },
        }),
      )
    }).open()
    expect(status).toBe(200)
    expect(text).toContain('4 files')
    expect(text).toContain('d.py')
  })

  it('do not delay the page when an upstream does not answer', async () => {
    const files = ['a.txt', 'b.txt'].map((path) => ({ path, body: 'abc' }))
    const waits: number[] = []
    const wait = (ms: number, signal?: { readonly aborted: boolean }) => {
      waits.push(ms)
      // The timeout of the previews passes at once, all others never.
      return ms === 3000 && !signal?.aborted ? Promise.resolve() : new Promise<void>(() => {})
    }
    const { text } = await openContainer(files, () => new Promise(() => {}), { wait }).open()
    expect(waits).toContain(3000)
    expect(text).toContain('2 files')
    expect(text).not.toContain('<details')
  })
})

const prompt = 'Draw a bar chart and save the numbers as a CSV.'

describe('the previews of a signed page', () => {
  it('have links that expire no later than the link to the page', async () => {
    const gateway = openHarness()
    const [file] = await gateway.respond(prompt)
    const body = { container_id: file?.container_id, kind: 'page', expires_in: 60 }
    const made = await (await gateway.ask('/links', json(body))).json()
    const { download_url, expires_at } = made as { download_url: string; expires_at: number }
    const text = await (await gateway.ask(pathOf(download_url))).text()
    const links = [...text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, url = '']) => url)
    expect(links.length).toBeGreaterThan(5)
    for (const link of links) expect(grantIn(link).expiresAt).toBe(expires_at)
    expect(text).toContain('<th scope="col">')
  })

  it('are read from the copies of an expired container', async () => {
    const gateway = openArchived({ linkTtl: 86_400, signingKeys: undefined })
    const [file] = await gateway.respond(prompt)
    await gateway.settled()
    gateway.advance(2 * 3600)
    const page = await gateway.ask(`/containers/${file?.container_id}`)
    const text = await page.text()
    expect(page.status).toBe(200)
    expect(text).toContain('gone; these files are copies')
    expect(text).toContain('<th scope="col">')
  })

  it('show an owner of a shared container no files of the others', async () => {
    const callers = openCallers()
    const { container_id, file_id } = (await callers.as('ann').answer(prompt)).file
    const pageFor = async (owner: 'ann' | 'bob') => {
      const page = await callers.as(owner).ask(`/containers/${container_id}`)
      return { status: page.status, text: await page.text() }
    }
    expect((await pageFor('ann')).text).toContain('sales.csv')
    expect((await pageFor('bob')).status).toBe(404)
    await callers.give('bob', 'container', container_id)
    const { text } = await pageFor('bob')
    expect(text).toContain('no files here yet')
    expect(text).not.toContain('quarter')
    await callers.give('bob', 'file', file_id)
    expect((await pageFor('bob')).text).toContain('1 file')
  })
})
