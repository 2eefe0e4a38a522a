import { describe, expect, it } from 'vitest'
import {
  type RewriteOptions,
  rewriteLinkStream,
  rewriteLinks,
} from '../../src/library/rewrite-links.ts'
import { openCallers } from '../lib/callers.ts'
import { type Harness, json, openHarness, responseRequest, sha256 } from '../lib/harness.ts'

const keys = [{ kid: 'shared', secret: new Uint8Array(32).fill(7) }]
const base = 'http://127.0.0.1:8787'
const options: RewriteOptions = { base, keys, expiresAt: 1_790_003_600 }
const prompt = 'Draw a chart and save the numbers as a CSV.'

/** The upstream's own answer to a back end. */
async function answerOf(gateway: Harness, more: object = {}): Promise<string> {
  return (await gateway.upstream('/responses', json(responseRequest(prompt, more)))).text()
}

async function expectLinks(gateway: Harness, text: string): Promise<void> {
  expect(text).not.toContain('(sandbox:')
  const links = [...text.matchAll(/http:\/\/127\.0\.0\.1:8787(\/[^")\\]+)/g)]
  expect(links.length).toBeGreaterThan(0)
  const id = /cntr_\w+/.exec(text)?.[0]
  for (const [, link = ''] of links) {
    const download = await gateway.ask(link)
    expect(download.status, link).toBe(200)
    const hash = await sha256(await download.arrayBuffer())
    const list = await gateway.upstream(`/containers/${id}/files`)
    const { data } = (await list.json()) as { data: { id: string }[] }
    const contents = data.map(async (file) => {
      const content = await gateway.upstream(`/containers/${id}/files/${file.id}/content`)
      return sha256(await content.arrayBuffer())
    })
    expect(await Promise.all(contents)).toContain(hash)
  }
}

describe('rewriteLinks', () => {
  it('adds links that the gateway serves without knowing the answer', async () => {
    const gateway = openHarness({ signingKeys: keys })
    const answer = await answerOf(gateway)
    await expectLinks(gateway, await rewriteLinks(answer, options))
    const parsed = JSON.parse(answer) as { id: string }
    const rewritten = await rewriteLinks(parsed, options)
    expect(rewritten.id).toBe(parsed.id)
    expect(JSON.stringify(parsed)).not.toContain('download_url')
    await expectLinks(gateway, JSON.stringify(rewritten))
  })

  it('keeps the text if only annotations get links', async () => {
    const answer = await answerOf(openHarness())
    const annotated = await rewriteLinks(answer, { ...options, mode: 'annotate' })
    expect(annotated.replace(/,"download_url":"[^"]*","download_expires_at":\d+/g, '')).toBe(answer)
  })

  it('makes links for the given owner', async () => {
    const gateway = openCallers({ signingKeys: keys })
    const answer = await answerOf(gateway)
    await gateway.give('ann', 'container', /cntr_\w+/.exec(answer)?.[0] ?? '')
    await expectLinks(gateway, await rewriteLinks(answer, { ...options, owner: 'ann' }))
  })
})

describe('rewriteLinkStream', () => {
  it('changes a stream as rewriteLinks changes an answer', async () => {
    const gateway = openHarness({ signingKeys: keys })
    const stream = await answerOf(gateway, { stream: true })
    const body = new Response(stream).body as ReadableStream<Uint8Array>
    const rewritten = await new Response(body.pipeThrough(rewriteLinkStream(options))).text()
    const last = (text: string) => JSON.parse(/data: (.*)\n\n$/.exec(text)?.[1] ?? '').response
    expect(last(rewritten)).toEqual(await rewriteLinks(last(stream), options))
    await expectLinks(gateway, JSON.stringify(last(rewritten)))
  })
})
