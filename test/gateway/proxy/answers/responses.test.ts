import { describe, expect, it } from 'vitest'
import type { AppOptions } from '../../../../src/options.ts'
import { type Harness, json, openHarness, responseRequest, sha256 } from '../../../lib/harness.ts'

const prompt = 'Draw a bar chart and save the numbers as a CSV.'

interface Linked {
  readonly file_id: string
  readonly container_id: string
  readonly download_url: string
  readonly download_expires_at: number
}

/** The same answer as the upstream sent it and as the client got it. */
async function bothSides(
  input: string,
  { more = {}, ...options }: Partial<AppOptions> & { more?: object } = {},
): Promise<{ sent: string; got: string; headers: Headers; gateway: Harness }> {
  const gateway = openHarness(options)
  const created = await gateway.upstream('/responses', json(responseRequest(input, more)))
  const sent = await created.text()
  const id = /resp_\w+/.exec(sent)?.[0]
  const stream = 'stream' in more ? '?stream=true&include_obfuscation=false' : ''
  const answer = await gateway.ask(`/openai/v1/responses/${id}${stream}`)
  expect(answer.status).toBe(200)
  const again = await (await gateway.upstream(`/responses/${id}${stream}`)).text()
  const got = await answer.text()
  return { sent: again, got, headers: answer.headers, gateway }
}

const linkMembers = /,"download_url":"[^"]*","download_expires_at":\d+/g

function linked(body: string): Linked[] {
  return objectsIn(body, 'container_file_citation')
}

function objectsIn<T>(body: string, type: string): T[] {
  const found: T[] = []
  JSON.stringify(JSON.parse(body), (_, value) => {
    if (value?.type === type) found.push(value)
    return value
  })
  return found
}

async function expectToWork(gateway: Harness, { container_id, file_id, download_url }: Linked) {
  const { pathname, search } = new URL(download_url)
  const download = await gateway.ask(pathname + search)
  expect(download.status).toBe(200)
  const content = `/containers/${container_id}/files/${file_id}/content`
  const original = await (await gateway.upstream(content)).arrayBuffer()
  expect(await sha256(await download.arrayBuffer())).toBe(await sha256(original))
}

describe('an answer as JSON', () => {
  it('has a link with each cited file and otherwise unchanged bytes', async () => {
    const { sent, got, headers, gateway } = await bothSides(prompt)
    const files = linked(got)
    expect(files.length).toBeGreaterThanOrEqual(3)
    for (const file of files) {
      expect(file.download_expires_at).toBe(1_790_000_000 + 3600)
      await expectToWork(gateway, file)
    }
    expect(got.replace(linkMembers, '')).toBe(sent)
    expect(headers.get('content-length')).toBe(String(new TextEncoder().encode(got).length))
  })

  it('passes unchanged with links off, and its files are recorded', async () => {
    const { sent, got, gateway } = await bothSides(prompt, { links: 'off' })
    expect(got).toBe(sent)
    for (const { file_id } of linked(got)) {
      expect((await gateway.ask(`/files/${file_id}`)).status).toBe(200)
    }
  })

  it('leaves echoed input unchanged', async () => {
    const gateway = openHarness()
    const first = await gateway.upstream('/responses', json(responseRequest(prompt)))
    const { output } = (await first.json()) as { output: object[] }
    const input = [...output, { role: 'user', content: 'Thanks.' }]
    const replayed = await gateway.ask('/openai/v1/responses', json({ model: 'gpt-4.1', input }))
    const { id } = (await replayed.json()) as { id: string }
    const items = await gateway.ask(`/openai/v1/responses/${id}/input_items`)
    const body = await items.text()
    expect(body).toContain('container_file_citation')
    expect(body).not.toContain('download_url')
  })
})

describe('an answer as a stream', () => {
  const more = { stream: true }

  it('has one link for each file in all copies, and all other events keep their bytes', async () => {
    const { sent, got, gateway } = await bothSides(prompt, { more })
    expect(got.replace(linkMembers, '')).toBe(sent)
    const links = new Map<string, Set<string>>()
    const copies = new Map<string, number>()
    for (const [, data = ''] of got.matchAll(/^data: (.*)$/gm)) {
      for (const file of linked(data)) {
        links.set(file.file_id, (links.get(file.file_id) ?? new Set()).add(JSON.stringify(file)))
        copies.set(file.file_id, (copies.get(file.file_id) ?? 0) + 1)
      }
    }
    expect(links.size).toBeGreaterThanOrEqual(3)
    // In annotation.added, content_part.done, output_item.done and completed.
    for (const count of copies.values()) expect(count).toBe(4)
    for (const [same, ...others] of links.values()) {
      expect(others).toEqual([])
      await expectToWork(gateway, JSON.parse(same ?? ''))
    }
  })

  it('passes unchanged with links off', async () => {
    const { sent, got } = await bothSides(prompt, { more, links: 'off' })
    expect(got).toBe(sent)
  })
})

describe('pictures inside an answer', () => {
  const include = ['code_interpreter_call.outputs']
  const pictures = (body: string) => objectsIn<{ url: string }>(body, 'image')

  it('become links to the automatic plots when the setting says so', async () => {
    const gateway = openHarness({ inlineImages: 'link' })
    for (const stream of [false, true]) {
      const request = responseRequest(prompt, { include, stream })
      const answer = await gateway.ask('/openai/v1/responses', json(request))
      const text = await answer.text()
      const body = stream ? (text.trimEnd().split('data: ').at(-1) ?? '') : text
      const [plot] = linked(body)
      expect(pictures(body)).toEqual([{ type: 'image', url: plot?.download_url }])
    }
  })

  it('pass unchanged by default', async () => {
    const gateway = openHarness()
    const answer = await gateway.ask(
      '/openai/v1/responses',
      json(responseRequest(prompt, { include })),
    )
    const [picture] = pictures(await answer.text())
    expect(picture?.url).toMatch(/^data:image\/png;base64,/)
  })
})
