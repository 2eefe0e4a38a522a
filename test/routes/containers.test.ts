import { describe, expect, it } from 'vitest'
import { apiKey } from '../../src/azure/credentials.ts'
import { openCallers } from '../lib/callers.ts'
import {
  type CitedFile,
  errorCode,
  type Harness,
  json,
  openHarness,
  responseRequest,
  sha256,
} from '../lib/harness.ts'

interface ListedFile extends CitedFile {
  readonly path: string
  readonly bytes: number | null
  readonly created_at: number
  readonly source: string
  readonly duplicate_of?: string
  readonly download_url: string
  readonly expires_at: number
}

async function list(
  { ask }: Pick<Harness, 'ask'>,
  containerId: string,
  query = '',
): Promise<ListedFile[]> {
  const answer = await ask(`/containers/${containerId}/files${query}`)
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { files: ListedFile[] }).files
}

async function respondOne(gateway: Harness, prompt: string): Promise<CitedFile> {
  const file = (await gateway.respond(prompt)).at(-1)
  if (file === undefined) throw new Error(`nothing was cited for: ${prompt}`)
  return file
}

async function originalHash(gateway: Harness, { container_id, file_id }: CitedFile) {
  const answer = await gateway.upstream(`/containers/${container_id}/files/${file_id}/content`)
  return sha256(await answer.arrayBuffer())
}

async function hashOf(response: Response | Promise<Response>): Promise<string> {
  return sha256(await (await response).arrayBuffer())
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}

interface Page {
  readonly data: readonly { readonly id?: string; readonly path?: string }[]
}

/** A gateway whose upstream lists the files of a container in another form. */
function openWithPages(change: (page: Page) => object) {
  const { emulator } = openHarness()
  return openHarness({
    upstreams: [
      {
        endpoint: 'http://emulator.localhost',
        credential: apiKey('a-secret-key'),
        async fetch(input, init) {
          const answer = await emulator.fetch(new Request(input, init))
          if (!/\/files\?/.test(String(input))) return answer
          return Response.json(change((await answer.json()) as Page))
        },
      },
    ],
  })
}

describe('GET /containers/{container_id}/files', () => {
  it('lists all written files, cited or not, each with a working link', async () => {
    const gateway = openHarness()
    const cited = await respondOne(gateway, 'Save sales.csv and leave an uncited scratch file.')
    const files = await list(gateway, cited.container_id)
    expect(files.map(({ filename }) => filename).sort()).toEqual(['sales.csv', 'scratch.txt'])
    for (const file of files) {
      expect(file).toMatchObject({ container_id: cited.container_id, source: 'assistant' })
      expect(file.path).toBe(`/mnt/data/${file.filename}`)
      const download = await gateway.ask(pathOf(file.download_url))
      expect(download.status).toBe(200)
      expect(await hashOf(download)).toBe(await originalHash(gateway, file))
    }
  })

  it('records each listed file, so that it can be downloaded by its id alone', async () => {
    const gateway = openHarness()
    const cited = await respondOne(gateway, 'Save sales.csv and leave an uncited scratch file.')
    const [scratch] = (await list(gateway, cited.container_id)).filter(
      ({ filename }) => filename === 'scratch.txt',
    )
    const download = await gateway.ask(`/files/${scratch?.file_id}`)
    expect(download.status).toBe(200)
    expect(download.headers.get('content-disposition')).toContain('filename="scratch.txt"')
  })

  it('lists input files only with all=1, and without the upstream’s prefix', async () => {
    const gateway = openHarness()
    const { container_id } = await respondOne(gateway, 'Save sales.csv.')
    const form = new FormData()
    form.set('file', new File(['a,b'], 'input.csv'))
    await gateway.upstream(`/containers/${container_id}/files`, { method: 'POST', body: form })
    expect((await list(gateway, container_id)).map(({ filename }) => filename)).toEqual([
      'sales.csv',
    ])
    gateway.advance(10)
    const all = await list(gateway, container_id, '?all=1')
    expect(all.map(({ filename, source }) => `${source} ${filename}`).sort()).toEqual([
      'assistant sales.csv',
      'user input.csv',
    ])
    expect((await gateway.ask(`/containers/${container_id}/files?all=yes`)).status).toBe(400)
  })

  it('reads all pages of a full container', async () => {
    const gateway = openHarness()
    const { container_id } = await respondOne(gateway, 'Write 230 csv files.')
    expect(await list(gateway, container_id)).toHaveLength(230)
  })

  it('marks an automatic plot that code also saved under a name', async () => {
    const gateway = openHarness()
    const chart = await respondOne(gateway, 'Draw a bar chart.')
    const files = await list(gateway, chart.container_id)
    expect(files).toHaveLength(2)
    const plot = files.find(({ filename }) => filename.startsWith('cfile_'))
    expect(plot?.duplicate_of).toBe(chart.file_id)
    const named = files.find(({ file_id }) => file_id === chart.file_id)
    expect(named).not.toHaveProperty('duplicate_of')
  })

  it('leaves out rows of several paths, and lists a file of unknown size', async () => {
    const gateway = openHarness()
    const { container_id } = await respondOne(gateway, 'Save sales.csv. [glued] [null bytes]')
    const files = await list(gateway, container_id)
    expect(files.map(({ filename, bytes }) => [filename, bytes])).toEqual([['sales.csv', null]])
  })

  it('lists the files of a page with malformed rows, and shows invalid sizes as unknown', async () => {
    const gateway = openWithPages(({ data: [row], ...page }) => {
      const data = [{ ...row, path: null }, { ...row, id: 7 }, null, { ...row, bytes: -1 }]
      return { ...page, data }
    })
    const { container_id } = await respondOne(gateway, 'Save sales.csv.')
    const files = await list(gateway, container_id)
    expect(files.map(({ filename, bytes }) => [filename, bytes])).toEqual([['sales.csv', null]])
  })

  it('lists files of which the upstream says only the id and the path', async () => {
    const gateway = openWithPages(({ data }) => ({
      data: data.map(({ id, path }) => ({ id, path })),
    }))
    const { container_id } = await respondOne(gateway, 'Save sales.csv.')
    const files = await list(gateway, container_id)
    expect(files.map(({ filename, bytes }) => [filename, bytes])).toEqual([['sales.csv', null]])
  })

  it('distinguishes an expired container from one that never existed', async () => {
    const gateway = openHarness()
    const { container_id } = await respondOne(gateway, 'Save sales.csv.')
    gateway.advance(3601)
    const expired = await gateway.ask(`/containers/${container_id}/files`)
    expect([expired.status, await errorCode(expired)]).toEqual([410, 'container_expired'])
    const unheard = await gateway.ask(`/containers/cntr_${'f'.repeat(48)}/files`)
    expect([unheard.status, await errorCode(unheard)]).toEqual([404, 'container_not_found'])
    const malformed = await gateway.ask('/containers/not-a-container/files')
    expect([malformed.status, await errorCode(malformed)]).toEqual([400, 'invalid_id'])
  })

  it('answers a request for another owner’s container without an upstream request', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer('Save sales.csv.')
    await gateway.requests()
    const refused = await gateway.as('bob').ask(`/containers/${file.container_id}/files`)
    expect([refused.status, await errorCode(refused)]).toEqual([404, 'container_not_found'])
    expect(await gateway.requests()).toEqual([])
    expect(await list(gateway.as('ann'), file.container_id)).toHaveLength(1)
  })

  it('lists of a shared container only the files of each owner', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer('Save sales.csv and an uncited scratch file.')
    await gateway.give('bob', 'container', file.container_id)
    expect(await list(gateway.as('bob'), file.container_id)).toEqual([])
    const [own, ...others] = await list(gateway.as('ann'), file.container_id)
    expect([own?.filename, others]).toEqual(['sales.csv', []])
  })
})

describe('GET /containers/{container_id}/path/{path}', () => {
  it('serves the file at the path, as a download or inline', async () => {
    const gateway = openHarness()
    const file = await respondOne(gateway, 'Draw a bar chart.')
    const at = `/containers/${file.container_id}/path/${file.filename}`
    const download = await gateway.ask(at)
    expect(download.status).toBe(200)
    expect(download.headers.get('content-disposition')).toMatch(/^attachment; filename="sales_/)
    expect(await hashOf(download)).toBe(await originalHash(gateway, file))
    const inline = await gateway.ask(`${at}?disposition=inline`)
    expect(inline.headers.get('content-disposition')).toMatch(/^inline;/)
    const head = await gateway.ask(at, { method: 'HEAD' })
    expect(head.headers.get('content-length')).toBe(download.headers.get('content-length'))
    expect((await gateway.ask(at, { method: 'POST' })).status).toBe(405)
  })

  it('decodes the path once, and distinguishes case', async () => {
    const gateway = openHarness()
    const { container_id } = await respondOne(
      gateway,
      'Save `100%25.csv`, `100%.txt`, `Über uns.json` and `out/t.csv`.',
    )
    const status = async (path: string): Promise<number> =>
      (await gateway.ask(`/containers/${container_id}/path/${path}`)).status
    expect(await status('100%2525.csv')).toBe(200)
    expect(await status('100%25.csv')).toBe(404)
    expect(await status('100%25.txt')).toBe(200)
    expect(await status('100%2525.txt')).toBe(200)
    expect(await status(encodeURIComponent('Über uns.json'))).toBe(200)
    expect(await status(encodeURIComponent(encodeURIComponent('Über uns.json')))).toBe(200)
    expect(await status(encodeURIComponent('über uns.json'))).toBe(404)
    expect(await status('out/t.csv')).toBe(200)
    expect(await status('t.csv')).toBe(404)
  })

  it('finds an input file by its original name', async () => {
    const gateway = openHarness()
    const { container_id } = await respondOne(gateway, 'Save sales.csv.')
    const form = new FormData()
    form.set('file', new File(['a,b'], 'input.csv'))
    await gateway.upstream(`/containers/${container_id}/files`, { method: 'POST', body: form })
    const found = await gateway.ask(`/containers/${container_id}/path/input.csv`)
    expect(await found.text()).toBe('a,b')
    expect(found.headers.get('content-disposition')).toContain('filename="input.csv"')
  })

  it('finds a file of unknown length, and one with characters that a rewritten link escapes', async () => {
    const gateway = openHarness()
    const prompt = 'Save "q_1 (final) & co.csv". [null bytes]'
    const cited = await respondOne(gateway, prompt)
    const path = encodeURIComponent('q\\_1 \\(final\\) &amp; co.csv')
    const found = await gateway.ask(`/containers/${cited.container_id}/path/${path}`)
    expect(found.status).toBe(200)
    expect(await hashOf(found)).toBe(await originalHash(gateway, cited))
  })

  it('serves the newest file of a name immediately', async () => {
    const gateway = openHarness()
    const { container_id } = await respondOne(gateway, 'Save sales.csv.')
    const at = `/containers/${container_id}/path/sales.csv`
    const first = await hashOf(gateway.ask(at))
    const tools = [{ type: 'code_interpreter', container: container_id }]
    const prompt = 'Save other numbers, and more of them, as sales.csv.'
    await gateway.ask('/openai/v1/responses', json(responseRequest(prompt, { tools })))
    const second = await hashOf(gateway.ask(at))
    expect(second).not.toBe(first)
  })

  it('finds a file that was written after the container was last listed', async () => {
    const gateway = openHarness()
    const { container_id } = await respondOne(gateway, 'Save sales.csv.')
    expect(await list(gateway, container_id)).toHaveLength(1)
    const form = new FormData()
    form.set('file', new File(['a,b'], 'late.csv'))
    await gateway.upstream(`/containers/${container_id}/files`, { method: 'POST', body: form })
    expect((await gateway.ask(`/containers/${container_id}/path/late.csv`)).status).toBe(200)
  })

  it('lists the container once for requests at the same time', async () => {
    const gateway = openHarness()
    const { container_id } = await respondOne(gateway, 'Save sales.csv, sales.json and notes.txt.')
    await gateway.requests()
    for (const name of ['sales.csv', 'sales.json', 'notes.txt']) {
      await gateway.ask(`/containers/${container_id}/path/${name}`)
    }
    const lists = (await gateway.requests()).filter(({ path }) => /\/files(?:\?|$)/.test(path))
    expect(lists).toHaveLength(1)
  })

  it('names existing files when the path has none, at most ten', async () => {
    const gateway = openHarness()
    const { container_id } = await respondOne(gateway, 'Write 12 csv files.')
    const missing = await gateway.ask(`/containers/${container_id}/path/sales.csx`)
    expect(missing.status).toBe(404)
    const { error } = (await missing.json()) as { error: { code: string; message: string } }
    expect(error.code).toBe('file_not_found')
    expect(error.message.match(/"sales_\d+\.csv"/g)).toHaveLength(10)
    expect(error.message).toContain('and 2 more')
  })

  it('sends no part of the path upstream', async () => {
    const gateway = openHarness()
    const { container_id } = await respondOne(gateway, 'Save sales.csv.')
    await gateway.requests()
    for (const path of [
      '..%2F..%2Ffiles%2Fcfile_0',
      '%2e%2e/secret',
      'a%5C..%5Cb',
      'x%00y',
      '%E0%A4%A',
      'sandbox:%2Fmnt',
    ]) {
      const answer = await gateway.ask(`/containers/${container_id}/path/${path}`)
      expect(answer.status, path).toBe(404)
    }
    for (const { path } of await gateway.requests()) {
      expect(path).toMatch(new RegExp(`^/openai/v1/containers/${container_id}/files(?:\\?|$)`))
    }
  })

  it('has the same error for another owner’s container and for a missing one', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer('Save sales.csv.')
    await gateway.requests()
    const ask = async (id: string) => {
      const answer = await gateway.as('bob').ask(`/containers/${id}/path/sales.csv`)
      const { error } = (await answer.json()) as { error: { code: string; message: string } }
      return [answer.status, error.code, error.message]
    }
    const refused = await ask(file.container_id)
    expect(refused.slice(0, 2)).toEqual([404, 'file_not_found'])
    expect(await ask(`cntr_${'f'.repeat(48)}`)).toEqual(refused)
    expect(await gateway.requests()).toEqual([])
  })

  it('reports an expired container', async () => {
    const gateway = openHarness()
    const { container_id } = await respondOne(gateway, 'Save sales.csv.')
    gateway.advance(3601)
    const expired = await gateway.ask(`/containers/${container_id}/path/sales.csv`)
    expect([expired.status, await errorCode(expired)]).toEqual([410, 'container_expired'])
  })
})
