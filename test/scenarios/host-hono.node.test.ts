/**
 * A host app whose Hono is another copy than cfile's, since it bundles its own or npm installed another version.
 */

import { build } from 'esbuild'
import type { Hono } from 'hono'
import { beforeAll, describe, expect, it } from 'vitest'
import { json, openHarness, responseRequest } from '../lib/harness.ts'

let OtherHono: typeof Hono
beforeAll(async () => {
  const stdin = { contents: "export { Hono } from 'hono'", resolveDir: import.meta.dirname }
  const { outputFiles } = await build({ stdin, bundle: true, format: 'esm', write: false })
  const code = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64')
  const other = await import(/* @vite-ignore */ `data:text/javascript;base64,${code}`)
  OtherHono = other.Hono
})

describe('a host app with another copy of Hono', () => {
  it('serves answers, files and links, and logs the patterns of the routes', async () => {
    const routes: unknown[] = []
    const log = (_level: string, _message: string, fields: object = {}) => {
      if ('route' in fields) routes.push(fields.route)
    }
    const gateway = openHarness({ log, publicUrl: 'http://127.0.0.1:8787/ai' })
    const host = new OtherHono().route('/ai', gateway.app)
    const post = json(responseRequest('Save the numbers as a CSV.'))
    const answer = await host.request('/ai/openai/v1/responses', post)
    const fileId = /cfile_\w+/.exec(await answer.text())?.[0]
    const statuses = [answer.status]
    for (const path of [`/ai/files/${fileId}`, '/ai/healthz']) {
      const { status, body } = await host.request(path)
      // A request is logged when its body has ended.
      await new Response(body).arrayBuffer()
      statuses.push(status)
    }
    expect(statuses).toEqual([200, 200, 200])
    expect(routes).toEqual(['/ai/openai/v1/responses', '/ai/files/{file_id}', '/ai/healthz'])
  })
})
