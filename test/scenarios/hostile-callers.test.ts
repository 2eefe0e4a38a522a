/**
 * Many callers at once, and caches that could mix them up.
 */

import { describe, expect, it } from 'vitest'
import { webHmac } from '../../src/core/links/keys.ts'
import { createAuthenticate, createKeyRing } from '../../src/routes/callers/callers.ts'
import { openCallers } from '../lib/callers.ts'
import {
  type CitedFile,
  citedFiles,
  json,
  openHarness,
  pathOf,
  responseRequest,
} from '../lib/harness.ts'

const owners = Array.from({ length: 12 }, (_, index) => `owner-${index}`)

describe('twelve owners at once', () => {
  it('each get their own files, lists and answers, and never those of another', async () => {
    const keys = owners.map((owner) => ({ owner, key: `key-of-${owner}` }))
    const ring = createKeyRing(keys, webHmac(new Uint8Array(32)))
    const gateway = openHarness({ authenticate: createAuthenticate({ keys: ring }) })
    const ask = (owner: string, path: string, init: RequestInit = {}) =>
      gateway.ask(path, {
        ...init,
        headers: { ...(init.headers as object), authorization: `Bearer key-of-${owner}` },
      })
    const made: { readonly owner: string; readonly file: CitedFile }[] = []
    const faults: string[] = []

    async function turn(owner: string): Promise<void> {
      const request = json(responseRequest(`Save "${owner}.csv".`))
      const [file] = citedFiles(await (await ask(owner, '/v1/responses', request)).json())
      if (file === undefined) throw new Error('nothing was cited')
      if (file.filename !== `${owner}.csv`) faults.push(`${owner} saw ${file.filename}`)
      made.push({ owner, file })
      await Promise.all(made.map((other) => look(owner, other)))
    }

    async function look(owner: string, { owner: other, file }: (typeof made)[number]) {
      const { file_id, container_id } = file
      const expected = owner === other ? 200 : 404
      const paths = [`/files/${file_id}`, `/containers/${container_id}/files`]
      for (const path of [...paths, `/v1/containers/${container_id}/files/${file_id}`]) {
        const { status } = await ask(owner, path)
        if (status !== expected) faults.push(`${owner} got ${status} for ${path} of ${other}`)
      }
    }

    await Promise.all(owners.flatMap((owner) => [turn(owner), turn(owner)]))
    expect(made).toHaveLength(2 * owners.length)
    expect(faults).toEqual([])
  })
})

describe('a shared cache before cfile', () => {
  it('may keep nothing that depends on a key, a link or a range, errors included', async () => {
    const gateway = openCallers()
    const { file, body } = await gateway.as('ann').answer('Save a CSV')
    const [link = ''] = JSON.stringify(body).match(/http[^"]+\/s\/[^"]+/) ?? []
    const { file_id, container_id } = file
    const id = `/files/${file_id}`
    const requests: readonly (readonly [path: string, init?: RequestInit])[] = [
      [id],
      [id, { method: 'HEAD' }],
      [id, { headers: { range: 'bytes=0-3' } }],
      [id, { headers: { range: 'bytes=999999-' } }],
      [`${id}?disposition=inline`],
      [`/containers/${container_id}`],
      [`/containers/${container_id}/files`],
      [`/containers/${container_id}/files.zip`],
      [pathOf(link)],
      ['/files/cfile_nobodys'],
      ['/s/a.b/report.csv'],
    ]
    for (const [path, init] of requests) {
      const answer = await gateway.as('ann').ask(path, init)
      const label = `${init?.method ?? 'GET'} ${path} ${answer.status}`
      expect(answer.headers.get('cache-control') ?? 'none', label).toMatch(/no-store/)
    }
  })

  it.each(['.css', ';a.css', '/a.css', '%2fa.css', '%00.css', '%0d%0a', '%3fa.css'])(
    'finds no file at a path that looks like a style sheet: %s',
    async (ending) => {
      const gateway = openCallers()
      const { file } = await gateway.as('ann').answer('Save a CSV')
      const answer = await gateway.as('ann').ask(`/files/${file.file_id}${ending}`)
      expect([400, 404]).toContain(answer.status)
    },
  )

  it('learns from Vary that pages and errors depend on Accept', async () => {
    const gateway = openCallers()
    for (const path of ['/', '/s/a.b/report.csv']) {
      for (const accept of ['text/html', 'application/json']) {
        const answer = await gateway.ask(path, { headers: { accept } })
        const { headers } = answer
        const isKept = !/no-store/.test(headers.get('cache-control') ?? '')
        if (isKept) expect(headers.get('vary') ?? '', `${path} ${accept}`).toMatch(/accept/i)
      }
    }
  })
})
