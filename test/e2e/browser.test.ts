/**
 * Hostile files in a real browser: no script in them runs, and saved files have the right name.
 */

import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { toNodeHandler } from '../../src/node.ts'
import { launchChromium, watchFaults } from './chromium.ts'
import { describeWith } from './engines.ts'
import { type HostileFile, hostileFiles, ranMark } from './hostile-files.ts'

describeWith(['chromium'], 'a hostile file in Chromium', (executablePath) => {
  const servers: Server[] = []
  const reached: string[] = []
  let browser: Browser
  let context: BrowserContext
  let files: HostileFile[] = []
  let origin = ''
  let unsafe = ''

  beforeAll(async () => {
    const beacon = await listen(servers, (request, response) => {
      reached.push(request.url ?? '')
      response.end()
    })
    files = hostileFiles(beacon)
    // What a server would do that takes a file for what it says it is: the files must be able to run there.
    unsafe = await listen(servers, (request, response) => {
      const file = files.find(({ id }) => request.url === `/${id}`)
      if (file?.type) response.setHeader('content-type', file.type)
      response.end(file?.body)
    })
    let handler: RequestListener = () => {}
    origin = await listen(servers, (request, response) => handler(request, response))
    const app = toNodeHandler(createApp({ publicUrl: origin, upstreams: [upstreamWith(files)] }))
    // A page of the app that the gateway is mounted in, so that files have its origin and its cookies.
    handler = (request, response) => {
      if (!request.url?.startsWith('/app')) return app(request, response)
      response.setHeader('content-type', 'text/html')
      response.end('<!doctype html><title>app</title>')
    }
    browser = await launchChromium(executablePath)
    context = await browser.newContext({ acceptDownloads: true })
  })

  afterAll(async () => {
    await browser?.close()
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
  })

  /** A page, and what ran while something was done in it. */
  async function watch(act: (page: Page) => Promise<void>): Promise<string[]> {
    reached.length = 0
    const seen: string[] = []
    const page = await context.newPage()
    page.on('console', (message) => {
      if (message.text() === ranMark) seen.push('console')
    })
    page.on('dialog', (dialog) => {
      seen.push('dialog')
      dialog.dismiss().catch(() => {})
    })
    page.on('popup', () => seen.push('popup'))
    await act(page)
    await page.waitForTimeout(150)
    await page.close()
    return [...seen, ...reached]
  }

  async function linkTo(file: HostileFile, disposition: string): Promise<string> {
    const answer = await fetch(`${origin}/links`, {
      method: 'POST',
      body: JSON.stringify({
        file_id: file.id,
        container_id: 'cntr_hostile',
        filename: file.name,
        disposition,
      }),
    })
    return ((await answer.json()) as { download_url: string }).download_url
  }

  it('runs when nothing prevents it, so that these tests can fail', async () => {
    for (const name of ['page.html', 'picture.svg', 'page.xhtml', 'sniffed']) {
      const file = files.find((one) => one.name === name)
      const ran = await watch(async (page) => {
        await page.goto(`${unsafe}/${file?.id}`).catch(() => {})
      })
      expect(ran, name).toContain('console')
    }
  })

  it('is saved under its name when its link is followed, and runs nothing', async () => {
    for (const file of files) {
      const link = await linkTo(file, 'attachment')
      const ran = await watch(async (page) => {
        await page.goto(`${origin}/app`)
        const [download] = await Promise.all([
          page.waitForEvent('download'),
          page.evaluate((url) => location.assign(url), link),
        ])
        expect(download.suggestedFilename(), file.name).toBe(file.savedAs ?? file.name)
        expect(page.url()).toBe(`${origin}/app`)
        await download.cancel()
      })
      expect(ran, file.name).toEqual([])
    }
  })

  it('runs nothing when it is opened inline, and only harmless types are shown', async () => {
    const shown: string[] = []
    for (const file of files) {
      const link = await linkTo(file, 'inline')
      const ran = await watch(async (page) => {
        await page.goto(`${origin}/app`)
        const done = Promise.race([
          page.waitForEvent('download').then((download) => download.cancel()),
          // A download aborts the navigation, and is seen above.
          page.waitForURL(link).then(
            () => void shown.push(file.name),
            () => new Promise(() => {}),
          ),
        ])
        await page.evaluate((url) => location.assign(url), link)
        await done
      })
      expect(ran, file.name).toEqual([])
    }
    expect(shown).toEqual(expect.arrayContaining(['notes.txt', 'data.json', 'polyglot.gif']))
    for (const name of shown) expect(name).toMatch(/\.(?:txt|csv|json|png|gif|pdf)$/)
  })

  it('runs nothing in a frame, an object or an image of a page of the same origin', async () => {
    for (const file of files) {
      const inline = await linkTo(file, 'inline')
      const links = [inline, await linkTo(file, 'attachment')]
      const ran = await watch(async (page) => {
        await page.goto(`${origin}/app`)
        await page.evaluate((urls) => {
          for (const url of urls) {
            for (const [tag, attribute] of [
              ['iframe', 'src'],
              ['object', 'data'],
              ['embed', 'src'],
              ['img', 'src'],
            ] as const) {
              const element = document.createElement(tag)
              element.setAttribute(attribute, url)
              document.body.append(element)
            }
          }
        }, links)
        await page.waitForTimeout(300)
      })
      expect(ran, file.name).toEqual([])
    }
  })

  it('runs nothing on the page of its container, which shows its name and its text', async () => {
    const link = await fetch(`${origin}/links`, {
      method: 'POST',
      body: JSON.stringify({ container_id: 'cntr_hostile', kind: 'page' }),
    })
    const { download_url } = (await link.json()) as { download_url: string }
    const ran = await watch(async (page) => {
      const faults = await watchFaults(page)
      await page.goto(download_url)
      await page.getByRole('heading', { name: `${files.length} files` }).waitFor()
      for (const summary of await page.locator('summary').all()) await summary.click()
      expect(await page.locator('pre').count()).toBeGreaterThan(5)
      await page.getByRole('searchbox').fill('.html')
      await page.getByLabel('Sort by').selectOption('Name')
      expect(await faults()).toEqual([])
    })
    expect(ran).toEqual([])
  })

  it('is answered with no-referrer, a sandbox and no cookie', async () => {
    const file = files[0]
    if (file === undefined) throw new Error('there are no files')
    const link = await linkTo(file, 'inline')
    const answer = await fetch(link)
    await answer.body?.cancel()
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
    expect(answer.headers.get('content-security-policy')).toContain('sandbox')
    expect(answer.headers.get('set-cookie')).toBeNull()
  })
})

async function listen(servers: Server[], handler: RequestListener): Promise<string> {
  const server = createServer(handler)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** An upstream that holds the files and says of them what they want said. */
function upstreamWith(files: readonly HostileFile[]) {
  return {
    endpoint: 'http://upstream.localhost',
    credential: apiKey('a-key'),
    fetch: async (input: string | URL | Request): Promise<Response> => {
      const { pathname } = new URL(input instanceof Request ? input.url : input)
      if (pathname.endsWith('/files')) return Response.json({ data: files.map(toRow) })
      const file = files.find(({ id }) => pathname.includes(`/${id}`))
      if (file === undefined) return new Response(null, { status: 404 })
      if (!pathname.endsWith('/content')) {
        return Response.json({ ...toRow(file), path: '/mnt/data/x' })
      }
      return new Response(new TextEncoder().encode(file.body), {
        headers: {
          ...(file.type === '' ? {} : { 'content-type': file.type }),
          'content-disposition': 'inline; filename="evil.html"',
          'set-cookie': 'session=stolen',
        },
      })
    },
  }
}

function toRow({ id, name, body }: HostileFile) {
  const bytes = new TextEncoder().encode(body).byteLength
  return { id, path: `/mnt/data/${name}`, bytes, source: 'assistant', created_at: 0 }
}
