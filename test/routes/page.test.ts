import { describe, expect, it } from 'vitest'
import { json, openHarness } from '../lib/harness.ts'

async function openPage(prompt: string) {
  const gateway = openHarness()
  const [file] = await gateway.respond(prompt)
  const link = await gateway.ask('/links', json({ container_id: file?.container_id, kind: 'page' }))
  const { download_url } = (await link.json()) as { download_url: string }
  const page = await gateway.ask(new URL(download_url).pathname + new URL(download_url).search)
  return { gateway, page, text: await page.text() }
}

/** The addresses of a page's links and pictures. */
function linksIn(text: string): string[] {
  return [...text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, url = '']) => {
    const { pathname, search } = new URL(url.replaceAll('&amp;', '&'))
    return pathname + search
  })
}

describe('GET /containers/{container_id}', () => {
  it('shows a browser, which can send no key, what is there, with links that work', async () => {
    const { gateway, page, text } = await openPage(
      'Draw a bar chart and save the numbers as a CSV.',
    )
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=UTF-8',
    ])
    expect(text).toContain('>2 files</h1>')
    const links = linksIn(text)
    expect(links.length).toBeGreaterThanOrEqual(4)
    for (const link of links.filter((one) => !one.includes('.zip')))
      expect((await gateway.ask(link)).status, link).toBe(200)
  })

  it('shows a picture in place', async () => {
    const { gateway, text } = await openPage('Draw a bar chart.')
    const picture = linksIn(/<img[^>]*>/.exec(text)?.[0] ?? '')[0] ?? ''
    expect((await gateway.ask(picture)).headers.get('content-disposition')).toMatch(/^inline/)
  })

  it('runs its own script only, loads nothing from other hosts and is not cached', async () => {
    const { page, text } = await openPage('Draw a bar chart.')
    const policy = page.headers.get('content-security-policy') ?? ''
    const nonce = /style-src 'nonce-([^']+)'/.exec(policy)?.[1]
    expect(text).toContain(`<style nonce="${nonce}">`)
    expect(policy).toBe(
      `default-src 'none'; img-src http://127.0.0.1:8787; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    expect(text.match(/<script[^>]*>/g)).toEqual([`<script nonce="${nonce}">`])
    expect(text).not.toMatch(/javascript:|<[^>]* on\w+=|<[^>]* style=/i)
    expect(page.headers.get('cache-control')).toBe('private, no-store')
    expect(page.headers.get('referrer-policy')).toBe('no-referrer')
  })

  it('says that the container is gone', async () => {
    const gateway = openHarness()
    const [file] = await gateway.respond('Draw a bar chart.')
    gateway.advance(2 * 3600)
    expect((await gateway.ask(`/containers/${file?.container_id}`)).status).toBe(410)
  })
})
