/**
 * A signed link only reads: what it records and what it shows.
 */

import { describe, expect, it } from 'vitest'
import { parseSigningKeys, signUrl } from '../../src/index.ts'
import { openCallers } from '../lib/callers.ts'
import { errorCode, grantIn, json, openHarness, pathOf } from '../lib/harness.ts'

const prompt = 'Draw a bar chart and save the numbers as a CSV.'

async function urlOf(answer: Response): Promise<string> {
  return pathOf(((await answer.json()) as { download_url: string }).download_url)
}

/** Links and pictures of a page. */
function linksIn(page: string): string[] {
  return [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, url = '']) => url)
}

/** Links in the text of a rewritten answer. */
function linksInText(body: unknown): string[] {
  const text = JSON.stringify(body)
  return [...text.matchAll(/\]\(http:\/\/127\.0\.0\.1:8787([^)]+)\)/g)].map(([, link = '']) => link)
}

describe('a signed link of an owner who was erased', () => {
  it('creates no records of the owner again, on any route', async () => {
    const gateway = openCallers({ links: 'rewrite' })
    const { file, body } = await gateway.as('ann').answer(prompt)
    const { container_id, file_id } = file
    const ask = gateway.as('ann').ask
    const links = [
      ...linksInText(body),
      await urlOf(await ask('/links', json({ file_id }))),
      await urlOf(await ask('/links', json({ container_id, kind: 'page' }))),
      await urlOf(await ask('/links', json({ container_id, kind: 'zip' }))),
    ]
    expect(links.length).toBeGreaterThan(3)
    expect((await gateway.as('admin').ask('/owners/ann', { method: 'DELETE' })).status).toBe(200)
    for (const link of links) {
      const answer = await gateway.ask(link)
      expect(answer.status, link).toBe(200)
      await answer.arrayBuffer()
    }
    expect((await ask(`/files/${file_id}`)).status).toBe(404)
    expect((await ask(`/containers/${container_id}/files`)).status).toBe(404)
    const again = await gateway.as('admin').ask('/owners/ann', { method: 'DELETE' })
    expect(await again.json()).toMatchObject({ records: 0, copies: 0 })
  })
})

describe('the page of a signed link', () => {
  it('has no links that expire later', async () => {
    const gateway = openHarness()
    const container_id = (await gateway.respond(prompt))[0]?.container_id
    const post = json({ container_id, kind: 'page', expires_in: 60 })
    const link = await urlOf(await gateway.ask('/links', post))
    gateway.advance(50)
    const links = linksIn(await (await gateway.ask(link)).text())
    expect(links.length).toBeGreaterThanOrEqual(4)
    for (const one of links) {
      expect(grantIn(one).expiresAt).toBe(1_790_000_060)
      expect((await gateway.ask(pathOf(one))).status, one).toBe(200)
    }
    gateway.advance(10)
    for (const one of links) {
      expect(await errorCode(await gateway.ask(pathOf(one)))).toBe('link_expired')
    }
    // The page of a caller has links with the full lifetime.
    const own = linksIn(await (await gateway.ask(`/containers/${container_id}`)).text())
    for (const one of own) expect(grantIn(one).expiresAt).toBe(1_790_000_060 + 3600)
  })

  it('has links of its own owner and upstream, for every visitor', async () => {
    const gateway = openCallers()
    const { container_id } = (await gateway.as('ann').answer(prompt)).file
    const post = json({ container_id, kind: 'page' })
    const link = await urlOf(await gateway.as('ann').ask('/links', post))
    const { owner, upstream } = grantIn(link)
    const page = await (await gateway.as('bob').ask(link)).text()
    for (const one of linksIn(page)) expect(grantIn(one)).toMatchObject({ owner, upstream })
  })
})

describe('a link to a path without a file', () => {
  it('does not list other names', async () => {
    const signingKeys = parseSigningKeys(`k:${'s'.repeat(32)}`)
    const gateway = openHarness({ signingKeys })
    const [file] = await gateway.respond(prompt)
    const containerId = file?.container_id ?? ''
    const grant = { kind: 'path', containerId, path: 'missing.csv', expiresAt: 2e9 } as const
    const link = await signUrl(grant, { base: 'http://127.0.0.1:8787', keys: signingKeys })
    const missing = await gateway.ask(pathOf(link))
    const text = await missing.text()
    expect([missing.status, JSON.parse(text).error.code]).toEqual([404, 'file_not_found'])
    expect(text).not.toMatch(/\.png|\.csv/)
    const own = await gateway.ask(`/containers/${containerId}/path/missing.csv`)
    expect(await own.text()).toContain('There are:')
  })
})
