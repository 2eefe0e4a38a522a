/**
 * The HTTP suite: lists, pages, links, and what operators read.
 */

import { expect } from 'vitest'
import { json } from '../../lib/harness.ts'
import { unzip } from '../../lib/unzip.ts'
import { bytesOf, type Row } from './world.ts'

const browser = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } }

export const pages: readonly Row[] = [
  {
    title: 'a container is listed, with links that work',
    async run({ ask, answer }) {
      const { file } = await answer()
      const list = await ask(`/containers/${file.container_id}/files`)
      const { files } = (await list.json()) as {
        files: { file_id: string; download_url: string }[]
      }
      const row = files.find(({ file_id }) => file_id === file.file_id)
      expect(row).toMatchObject({ filename: file.filename, bytes: expect.any(Number) })
      expect((await ask(row?.download_url ?? '', {}, 'nobody')).status).toBe(200)
    },
  },
  {
    title: 'a container has a page, with a strict policy and without anything from elsewhere',
    async run({ ask, answer }) {
      const { file } = await answer()
      const got = await ask(`/containers/${file.container_id}`, browser)
      const html = await got.text()
      expect(got.headers.get('content-type')).toMatch(/^text\/html/)
      expect(got.headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
      expect(html).toContain(file.filename)
      expect(html).not.toMatch(/(?:src|href)="?https?:\/\/(?!127\.0\.0\.1)/)
    },
  },
  {
    title: 'page and zip are shared by links',
    async run({ ask, answer }) {
      const { file } = await answer()
      const link = async (kind: string) => {
        const made = await ask('/links', json({ container_id: file.container_id, kind }))
        return ((await made.json()) as { download_url: string }).download_url
      }
      const shown = await ask(await link('page'), browser, 'nobody')
      expect(await shown.text()).toContain(file.filename)
      const zip = await bytesOf(await ask(await link('zip'), {}, 'nobody'))
      expect([...unzip(zip).keys()]).toContain(file.filename)
    },
  },
  {
    title: 'a dead link is a page in a browser, and JSON elsewhere',
    async run({ ask }) {
      const shown = await ask('/s/a.b/report.csv', browser, 'nobody')
      expect([shown.status, shown.headers.get('content-type')]).toEqual([
        403,
        expect.stringMatching(/^text\/html/),
      ])
      const told = await ask('/s/a.b/report.csv', {}, 'nobody')
      expect(told.headers.get('content-type')).toMatch(/^application\/json/)
    },
  },
  {
    title: 'operators and programs read what they need without a key',
    async run({ ask }) {
      for (const path of ['/healthz', '/readyz', '/docs', '/']) {
        expect((await ask(path, {}, 'nobody')).status, path).toBe(200)
      }
      const metrics = await (await ask('/metrics', {}, 'nobody')).text()
      expect(metrics).toMatch(/^cfile_requests_total\{.*\} \d+$/m)
      const document = await (await ask('/openapi.json', {}, 'nobody')).json()
      expect(document).toMatchObject({ openapi: expect.stringMatching(/^3\.1/) })
      const home = await ask('/', browser, 'nobody')
      expect(home.headers.get('content-type')).toMatch(/^text\/html/)
    },
  },
]
