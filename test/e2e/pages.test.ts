/**
 * The pages in a real browser: what a person sees, clicks, hears and saves.
 */

import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createEmulator } from '../../src/emulator/emulator.ts'
import { nodeRuntime } from '../../src/node.ts'
import { openApp } from '../../src/start/open-app.ts'
import { parseEnv } from '../../src/start/settings/settings.ts'
import { json, responseRequest } from '../lib/harness.ts'
import { type Served, serveApp } from '../lib/served.ts'
import { axeViolations, launchChromium, watchFaults } from './chromium.ts'
import { describeWith } from './engines.ts'

const desktop = { width: 1200, height: 800 }
const phone = { width: 390, height: 780 }
const hostileNames = [
  '<img src=x onerror=alert(1)>.csv',
  '"><script>alert(1)</script>.txt',
  "a'b&c.png",
]
const manyFiles = Array.from({ length: 50 }, (_, index) => [
  `charts/region ${index + 1}.png`,
  `tables/region ${index + 1}.csv`,
  `region ${index + 1}.pdf`,
]).flat()

describeWith(['chromium'], 'the pages in Chromium', (executablePath) => {
  let browser: Browser
  let server: Served
  const contexts: BrowserContext[] = []

  beforeAll(async () => {
    server = await openEmulated()
    browser = await launchChromium(executablePath)
  })

  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()))
  })

  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({
      viewport: desktop,
      acceptDownloads: true,
      ...options,
    })
    contexts.push(context)
    const page = await context.newPage()
    faults = await watchFaults(page)
    await page.goto(path.startsWith('http') ? path : server.url + path)
    return page
  }

  let faults = async (): Promise<string[]> => []

  /** A link to the page of a container that holds files of these names. */
  async function pageOf(names: readonly string[]): Promise<string> {
    const input = `Write ${names.map((name) => (name.includes('"') ? `\`${name}\`` : `"${name}"`)).join(', ')}`
    const ask = (path: string, body: object) => fetch(server.url + path, json(body))
    const answer = await (await ask('/openai/v1/responses', responseRequest(input))).text()
    const [container_id] = /cntr_\w+/.exec(answer) ?? []
    const link = await (await ask('/links', { container_id, kind: 'page' })).json()
    return (link as { download_url: string }).download_url
  }

  it('shows the picture of a link after a question in the playground', async () => {
    const page = await open('/')
    await page.getByRole('link', { name: 'playground' }).click()
    await page.getByRole('button', { name: 'Ask' }).click()
    await page.getByText('sandbox:/mnt/data/').first().waitFor()
    const picture = page.getByRole('img', { name: 'sales_chart.png' })
    await picture.waitFor()
    await page.getByText('Done: 2 files.').waitFor()
    expect(await picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(
      100,
    )
    const saving = page.waitForEvent('download')
    await page.getByRole('link', { name: 'sales.csv' }).click()
    expect((await saving).suggestedFilename()).toBe('sales.csv')
    const opening = page.waitForEvent('popup')
    await page.getByRole('link', { name: 'Open the page of the container' }).click()
    const container = await opening
    await container.getByRole('heading', { name: '2 files' }).waitFor()
    expect(await faults()).toEqual([])
  })

  it('shows in the playground why an answer failed', async () => {
    const page = await open('/emulator/playground')
    await page.getByRole('button', { name: '[fail]' }).click()
    await page.locator('.error').waitFor()
    expect(await page.getByRole('button', { name: 'Ask' }).isEnabled()).toBe(true)
  })

  it('serves a playground on the emulator without cfile, too', async () => {
    const alone = await serveApp(createEmulator())
    const page = await open(`${alone.url}/emulator/playground`)
    await page.getByRole('button', { name: 'Ask' }).click()
    const picture = page.getByRole('img', { name: 'sales_chart.png' })
    await picture.waitFor()
    await page.getByText('Done: 2 files.').waitFor()
    expect(await picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(
      100,
    )
    expect(await faults()).toEqual([])
    await alone.close()
  })

  it('asks in the playground for the key that the server requires', async () => {
    const key = 'a-key-of-sixteen-characters'
    const locked = await openEmulated({ CFILE_API_KEYS: `ann:${key}` })
    const page = await open(`${locked.url}/emulator/playground`)
    await page.getByRole('button', { name: 'Ask' }).click()
    await page.getByLabel('API key').fill(key)
    await page.getByRole('button', { name: 'Ask' }).click()
    await page.getByRole('img', { name: 'sales_chart.png' }).waitFor()
    await page.getByRole('link', { name: 'Open the page of the container' }).waitFor()
    await locked.close()
  })

  it('shows the rows of a CSV, and opens a picture large, with the keyboard too', async () => {
    const page = await open(await pageOf(['chart.png', 'second.png', 'numbers.csv']))
    const cells = page.getByRole('table').getByRole('columnheader')
    expect(await cells.allTextContents()).toEqual(['quarter', 'sales'])
    await page.getByRole('link', { name: 'View chart.png' }).focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    const picture = dialog.getByRole('img')
    await dialog.getByRole('img', { name: 'chart.png' }).waitFor()
    await expect
      .poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth))
      .toBeGreaterThan(100)
    expect(await dialog.getByText('of 2').textContent()).toBe('2 of 2')
    await page.keyboard.press('ArrowRight')
    await dialog.getByRole('img', { name: 'second.png' }).waitFor()
    await dialog.getByRole('button', { name: 'Previous' }).click()
    await dialog.getByRole('img', { name: 'chart.png' }).waitFor()
    expect(await axeViolations(page)).toEqual([])
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(
      'View chart.png',
    )
    expect(await faults()).toEqual([])
  })

  it('filters and sorts a hundred and fifty files', async () => {
    const page = await open(await pageOf(manyFiles))
    const names = () => page.locator('li:visible .name a').allTextContents()
    await page.getByRole('searchbox').fill('Region 7')
    expect(await names()).toEqual(['region 7.pdf', 'region 7.csv', 'region 7.png'])
    expect(await page.getByRole('status').textContent()).toBe('3 of 150')
    await page.getByRole('searchbox').fill('picture')
    await page.getByLabel('Sort by').selectOption('Name')
    expect((await names()).slice(0, 3)).toEqual(['region 1.png', 'region 2.png', 'region 3.png'])
    await page.getByRole('searchbox').fill('')
    await page.getByLabel('Sort by').selectOption('Newest first')
    expect((await names())[0]).toBe('region 50.pdf')
    expect(await names()).toHaveLength(150)
    await page.getByLabel('Preview of region 50.csv').click()
    await page.getByRole('table').waitFor()
    expect(await faults()).toEqual([])
  })

  it('copies a link that works, and saves a file and the zip under their names', async () => {
    const page = await open(await pageOf(['Übersicht 1.csv', 'chart.png']), {
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    await page.getByRole('button', { name: 'Copy link to Übersicht 1.csv' }).click()
    await page.getByText('Link copied').waitFor()
    const link = await page.evaluate(() => navigator.clipboard.readText())
    expect(await (await fetch(link)).text()).toContain('quarter,sales')
    const save = async (name: string | RegExp) => {
      const saving = page.waitForEvent('download')
      await page.getByRole('link', { name }).click()
      return (await saving).suggestedFilename()
    }
    expect(await save(/^Übersicht 1\.csv$/)).toBe('Übersicht 1.csv')
    expect(await save(/^Download all/)).toMatch(/^cntr_\w+\.zip$/)
    expect(await faults()).toEqual([])
  })

  it('works without JavaScript', async () => {
    const page = await open(await pageOf(manyFiles), { javaScriptEnabled: false })
    await page.getByLabel('Preview of region 50.csv').click()
    await page.getByRole('columnheader', { name: 'quarter' }).waitFor()
    expect(await page.getByRole('searchbox').isVisible()).toBe(false)
    const saving = page.waitForEvent('download')
    await page.getByRole('link', { name: 'region 50.csv', exact: true }).click()
    expect((await saving).suggestedFilename()).toBe('region 50.csv')
    await page.getByRole('link', { name: 'View region 50.png' }).click()
  })

  it('shows every route in Swagger UI, and asks for one, without breaking its policy', async () => {
    const page = await open('/docs')
    await page.getByRole('button', { name: 'Downloads a file by its id alone' }).first().click()
    await page.getByText('container_id', { exact: true }).first().waitFor()
    await page.getByRole('button', { name: 'Whether the process answers' }).click()
    const health = page.locator('.opblock', { hasText: '/healthz' })
    await health.getByRole('button', { name: 'Try it out' }).click()
    await health.getByRole('button', { name: 'Execute' }).click()
    await health.locator('.live-responses-table').getByText('"status"').waitFor()
    expect(await faults()).toEqual([])
  })

  it('explains a dead link', async () => {
    const page = await open('/s/abc/chart.png')
    await page.getByRole('heading', { name: 'This link is not valid' }).waitFor()
    expect(await faults()).toEqual([])
  })

  it('shows hostile names as text, also after sorting, filtering and enlarging', async () => {
    const page = await open(await pageOf([...hostileNames, ...manyFiles.slice(0, 6)]))
    await page.getByLabel('Sort by').selectOption('Name')
    await page.getByRole('searchbox').fill('<')
    expect(await page.locator('li:visible .name a').allTextContents()).toHaveLength(2)
    await page.getByRole('searchbox').fill('&c.png')
    await page.getByRole('link', { name: "View a'b&c.png" }).click()
    await page.getByRole('dialog').getByRole('link', { name: "a'b&c.png" }).waitFor()
    expect(await faults()).toEqual([])
  })

  describe.each(['light', 'dark'] as const)('in the %s theme', (colorScheme) => {
    it.each([
      ['desktop', desktop],
      ['phone', phone],
    ])('have no axe violation, and fit the screen of a %s', async (_, viewport) => {
      const few = await pageOf(['chart.png', 'numbers.csv', 'notes.txt'])
      // The rows are alike, and axe takes a minute for a hundred and fifty.
      const many = await pageOf([...hostileNames, ...manyFiles.slice(0, 9)])
      for (const path of [few, many, '/', '/s/abc', '/files/cfile_0000', '/emulator/playground']) {
        const page = await open(path, { colorScheme, viewport })
        if (path.endsWith('playground')) {
          await page.getByRole('button', { name: 'Ask' }).click()
          await page.getByText('Done:').waitFor()
          await page.getByText('Python that was not run').click()
        }
        expect(await axeViolations(page), path).toEqual([])
        const isWider = await page.evaluate(() => document.body.scrollWidth > innerWidth)
        expect(isWider, path).toBe(false)
        expect(await faults(), path).toEqual([])
        await page.context().close()
      }
    })
  })
})

/** A server on the built-in emulator. */
async function openEmulated(env: Readonly<Record<string, string>> = {}): Promise<Served> {
  let app: Parameters<typeof serveApp>[0] | undefined
  const server = await serveApp({
    fetch: async (...given) => app?.fetch(...given) ?? new Response(),
  })
  const settings = parseEnv({ CFILE_STORE: 'memory:', LOG_LEVEL: 'silent', ...env })
  const { answerDocs } = nodeRuntime()
  app = openApp(settings, {
    publicUrl: server.url,
    emulator: () => createEmulator(),
    answerDocs,
  })
  return server
}
