import { describe, expect, it } from 'vitest'
import { json, openHarness, pathOf } from '../lib/harness.ts'

const browser = {
  headers: {
    accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8',
  },
}

async function openExpired() {
  const gateway = openHarness()
  const [file] = await gateway.respond('Draw a chart')
  const { file_id } = file ?? {}
  const answer = await gateway.ask('/links', json({ file_id, expires_in: 60 }))
  const { download_url } = (await answer.json()) as { download_url: string }
  gateway.advance(2 * 3600)
  return { ...gateway, file, link: pathOf(download_url) }
}

describe('a person who opens a dead link in a browser', () => {
  it('gets a page that explains the error and shows the request id', async () => {
    const { ask, file, link } = await openExpired()
    const cases: [string, number, string][] = [
      [link, 403, 'This link has expired'],
      [`${link.slice(0, 30)}x`, 403, 'This link is not valid'],
      [`/files/${file?.file_id}`, 410, 'This file is gone'],
      [`/containers/${file?.container_id}`, 410, 'This file is gone'],
      ['/files/nonsense', 400, 'This request is not valid'],
    ]
    for (const [path, status, title] of cases) {
      const answer = await ask(path, browser)
      const page = await answer.text()
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        status,
        'text/html; charset=UTF-8',
      ])
      expect(page).toContain(`<h1>${title}</h1>`)
      expect(page).toContain(answer.headers.get('x-request-id'))
      const { error } = (await (await ask(path)).json()) as { error: Record<string, string> }
      for (const text of [error.message, error.hint ?? '']) {
        expect(page.replaceAll('&#39;', "'").replaceAll('&quot;', '"')).toContain(text)
      }
    }
  })

  it('gets a page that runs nothing, loads nothing and is not stored', async () => {
    const { ask, link } = await openExpired()
    const { headers, ...answer } = await ask(link, browser).then(async (one) => ({
      headers: one.headers,
      text: await one.text(),
    }))
    const policy = headers.get('content-security-policy') ?? ''
    const nonce = /style-src 'nonce-([^']+)'/.exec(policy)?.[1]
    expect(policy).toMatch(/^default-src 'none'; style-src 'nonce-/)
    expect(answer.text).toContain(`<style nonce="${nonce}">`)
    expect(answer.text).not.toMatch(/<script|javascript:|\son\w+=|\sstyle=|https?:/i)
    expect(headers.get('cache-control')).toBe('private, no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('learns when to retry', async () => {
    const { ask, respond } = openHarness({ maxRequestsPerMinute: 1 })
    const [file] = await respond('Draw a chart')
    const answer = await ask(`/files/${file?.file_id}`, browser)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '60'])
    expect(await answer.text()).toContain('<h1>Too many requests</h1>')
  })
})

describe('a program that gets an error', () => {
  it.each([
    ['curl and fetch', '*/*'],
    ['a picture on a page', 'image/avif,image/webp,image/svg+xml,image/*,*/*;q=0.8'],
    ['a client of JSON', 'application/json, text/html;q=0.5'],
  ])('gets JSON: %s', async (_, accept) => {
    const { ask, link } = await openExpired()
    const answer = await ask(link, { headers: { accept } })
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(await answer.json()).toMatchObject({ error: { code: 'link_expired' } })
  })

  it('gets JSON on routes for programs, with any Accept header', async () => {
    const { ask } = openHarness()
    for (const path of ['/openai/v1/responses/resp_x/y', '/v1/files/x', '/links', '/captures']) {
      const answer = await ask(path, browser)
      expect(answer.headers.get('content-type'), path).toMatch(/^application\/json/)
    }
  })
})

describe('GET /', () => {
  it('is a page for browsers and JSON for programs, and varies by Accept', async () => {
    const { ask } = openHarness({ publicUrl: 'https://files.example.com/ai' })
    const page = await ask('/', browser)
    expect(page.headers.get('content-type')).toBe('text/html; charset=UTF-8')
    const text = await page.text()
    expect(text).toContain('href="https://files.example.com/ai/docs"')
    expect(text).not.toMatch(/<script|\sstyle=/)
    const plain = await ask('/')
    expect(await plain.json()).toMatchObject({ name: 'cfile' })
    for (const { headers } of [page, plain]) {
      expect(headers.get('vary')).toBe('accept')
      expect(headers.get('x-request-id')).toMatch(/^[\w-]{36}$/)
    }
  })
})
