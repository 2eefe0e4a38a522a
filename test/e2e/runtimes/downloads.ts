/**
 * The HTTP suite: the bytes of files.
 */

import { expect } from 'vitest'
import { json } from '../../lib/harness.ts'
import { unzip } from '../../lib/unzip.ts'
import { hash } from '../azure.ts'
import { bytesOf, type Row, refused } from './world.ts'

const ranges: readonly (readonly [range: string, status: number, from: number, to?: number])[] = [
  ['bytes=0-3', 206, 0, 4],
  ['bytes=4-', 206, 4],
  ['bytes=-3', 206, -3],
  ['bytes=0-1,3-4', 200, 0],
  ['lines=0-3', 200, 0],
]

export const downloads: readonly Row[] = [
  {
    title: 'a file is served by its id, with its name, type, length and safe headers',
    async run({ ask, answer, azure }) {
      const { file } = await answer()
      const got = await ask(`/files/${file.file_id}`)
      expect(got.status).toBe(200)
      expect(Object.fromEntries(got.headers)).toMatchObject({
        'content-type': expect.stringMatching(/^text\/csv/),
        'content-disposition': expect.stringContaining(`filename="${file.filename}"`),
        'accept-ranges': 'bytes',
        'cache-control': 'private, no-store, no-transform',
        'content-security-policy': expect.stringMatching(/^default-src 'none'/),
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'server-timing': expect.stringContaining('lookup'),
        'x-content-type-options': 'nosniff',
        'x-request-id': expect.any(String),
      })
      const length = Number(got.headers.get('content-length'))
      expect((await got.clone().arrayBuffer()).byteLength).toBe(length)
      expect(await hash(got)).toBe(await azure.hashOf(file))
    },
  },
  {
    title: 'a file is served by its container and id, and by its path',
    async run({ ask, answer, azure }) {
      const { file } = await answer()
      const base = `/containers/${file.container_id}`
      const sum = await azure.hashOf(file)
      expect(await hash(await ask(`${base}/files/${file.file_id}`))).toBe(sum)
      expect(await hash(await ask(`${base}/path/${file.filename}`))).toBe(sum)
      const missing = await ask(`${base}/path/nothing.csv`)
      expect(await refused(missing)).toEqual([404, 'file_not_found'])
    },
  },
  {
    title: 'a signed link opens without a key, under any name and with any query',
    async run({ ask, answer, azure }) {
      const { file, link } = await answer()
      const sum = await azure.hashOf(file)
      const token = link.split('/').slice(0, -1).join('/')
      for (const url of [link, token, `${token}/other.txt`, `${link}?utm_source=chat&x=1`]) {
        const got = await ask(url, {}, 'nobody')
        expect(got.headers.get('cross-origin-resource-policy'), url).toBe('cross-origin')
        expect(await hash(got), url).toBe(sum)
      }
    },
  },
  {
    title: 'a changed link opens nothing, and an old one says so',
    async run({ ask, answer }) {
      const { file, link } = await answer()
      const changed = await ask(link.replace(/\/s\/./, '/s/_'), {}, 'nobody')
      expect(await refused(changed)).toEqual([403, 'signature_invalid'])
      const made = await ask('/links', json({ file_id: file.file_id, expires_in: 1 }))
      const { download_url } = (await made.json()) as { download_url: string }
      await new Promise((resolve) => setTimeout(resolve, 2100))
      expect(await refused(await ask(download_url, {}, 'nobody'))).toEqual([403, 'link_expired'])
    },
  },
  {
    title: 'parts of a file are served by Range, and one that is not there is 416',
    async run({ ask, answer }) {
      const { file } = await answer()
      const path = `/files/${file.file_id}`
      const whole = await bytesOf(await ask(path))
      for (const [range, status, from, to] of ranges) {
        const got = await ask(path, { headers: { range } })
        expect([got.status, await bytesOf(got)], range).toEqual([status, whole.slice(from, to)])
      }
      const beyond = await ask(path, { headers: { range: 'bytes=999999-' } })
      expect(beyond.headers.get('content-range')).toBe(`bytes */${whole.byteLength}`)
      expect(await refused(beyond)).toEqual([416, 'range_not_satisfiable'])
      const stale = await ask(path, { headers: { range: 'bytes=0-3', 'if-range': '"old"' } })
      expect([stale.status, await bytesOf(stale)]).toEqual([200, whole])
    },
  },
  {
    title: 'HEAD answers as GET does, without a body',
    async run({ ask, answer }) {
      const { file } = await answer()
      const told = async (method: string) => {
        const { status, headers } = await ask(`/files/${file.file_id}`, { method })
        const names = ['content-length', 'content-type', 'content-disposition', 'etag']
        return [status, ...names.map((name) => headers.get(name))]
      }
      expect(await told('HEAD')).toEqual(await told('GET'))
    },
  },
  {
    title: 'a known file is not sent again: 304 and 412',
    async run({ ask, answer }) {
      const { file } = await answer()
      const path = `/files/${file.file_id}`
      const { headers } = await ask(path, { method: 'HEAD' })
      const etag = headers.get('etag') ?? ''
      expect((await ask(path, { headers: { 'if-none-match': etag } })).status).toBe(304)
      const changed = await ask(path, { headers: { 'if-match': '"old"' } })
      expect(await refused(changed)).toEqual([412, 'precondition_failed'])
    },
  },
  {
    title: 'text is shown inline on request, and a wrong disposition is refused',
    async run({ ask, answer }) {
      const { file } = await answer()
      const inline = await ask(`/files/${file.file_id}?disposition=inline`)
      expect(inline.headers.get('content-disposition')).toMatch(/^inline;/)
      const wrong = await ask(`/files/${file.file_id}?disposition=maybe`)
      expect(await refused(wrong)).toEqual([400, 'invalid_request'])
    },
  },
  {
    title: 'a large file arrives whole',
    async run({ ask, answer, azure }) {
      const { file } = await answer('Save a 12 MB binary file')
      const sum = await azure.hashOf(file)
      expect(await hash(await ask(`/files/${file.file_id}`))).toBe(sum)
    },
  },
  {
    title: 'a body that Azure breaks off is resumed',
    async run({ ask, answer, azure }) {
      const { file } = await answer('Save a 3 MB binary file')
      const sum = await azure.hashOf(file)
      await azure.fault({ match: { path: `${file.file_id}/content` }, cut_after: 1_500_000 })
      expect(await hash(await ask(`/files/${file.file_id}`))).toBe(sum)
    },
  },
  {
    title: 'a body that cannot be resumed breaks the connection',
    async run({ ask, answer, azure }) {
      const { file, link } = await answer('Save a 3 MB binary file')
      const fault = { match: { path: `${file.file_id}/content` }, cut_after: 1_500_000, times: 50 }
      await azure.fault(fault)
      // The copy may have been made before the fault.
      const isWhole = async (url: string) => {
        const got = await ask(url)
        if (got.headers.has('repr-digest')) return false
        return got.arrayBuffer().then(
          () => true,
          () => false,
        )
      }
      expect(await isWhole(link)).toBe(false)
      await fetch(`${azure.url}/emulator/faults`, { method: 'DELETE' })
    },
  },
  {
    title: 'a copy is served after the container is gone',
    async run({ ask, answer, azure, copied }) {
      const { file, link } = await answer()
      const sum = await azure.hashOf(file)
      await copied(file)
      azure.advance(2 * 3600)
      for (const url of [`/files/${file.file_id}`, link]) {
        const got = await ask(url)
        expect(got.headers.get('repr-digest'), url).toMatch(/^sha-256=/)
        expect(await hash(got), url).toBe(sum)
      }
      const part = await ask(link, { headers: { range: 'bytes=1-2' } })
      expect([part.status, (await bytesOf(part)).byteLength]).toEqual([206, 2])
    },
  },
  {
    title: 'a zip has every file of a container',
    async run({ ask, answer, azure }) {
      const { file } = await answer('Draw a bar chart and save the numbers as a CSV.')
      const got = await ask(`/containers/${file.container_id}/files.zip`)
      expect(got.headers.get('content-type')).toBe('application/zip')
      const files = unzip(await bytesOf(got))
      expect([...files.keys()]).toContain(file.filename)
      const kept = files.get(file.filename)
      expect(await hash(new Response(kept))).toBe(await azure.hashOf(file))
    },
  },
]
