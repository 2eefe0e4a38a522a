import { request } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { openCallers } from '../lib/callers.ts'
import { openHarness } from '../lib/harness.ts'
import { serveApp } from '../lib/served.ts'

const unserved = ['TRACE', 'PROPFIND', 'MKCOL', 'LINK', 'PURGE', 'SEARCH', 'QUERY', 'M-SEARCH']
const bases = ['/openai/v1', '/openai', '/v1']

/** A request on a raw socket, since `fetch` refuses some methods. */
function ask(url: string, method: string, authorization?: string) {
  return new Promise<{ status?: number; allow?: string }>((resolve, reject) => {
    const headers = authorization === undefined ? {} : { authorization }
    const sent = request(url, { method, headers }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve({ status: answer.statusCode, allow: answer.headers.allow }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

const refused = { status: 405, allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' }

it.each(unserved)('an SDK path refuses %s for every caller', async (method) => {
  for (const [gateway, key] of [
    [openHarness(), undefined],
    [openCallers(), 'Bearer key-of-ann'],
  ] as const) {
    const { url, close } = await serveApp(gateway.app)
    onTestFinished(close)
    for (const base of bases) {
      for (const path of ['/files', '/models', '/secrets/1', '/deployments/d/chat/completions']) {
        const dated = base === '/openai' ? '?api-version=preview' : ''
        if (dated === '' && path.startsWith('/deployments')) continue
        expect(await ask(url + base + path + dated, method, key), `${base}${path}`).toEqual(refused)
      }
    }
    expect(await gateway.requests()).toEqual([])
  }
})

it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
  'without caller auth %s passes on every path, since the upstream may know it',
  async (method) => {
    const gateway = openHarness()
    const answer = await gateway.ask('/openai/v1/secrets/1', { method })
    expect(answer.status).toBe(404)
    expect(await gateway.requests()).toMatchObject([{ method, path: '/openai/v1/secrets/1' }])
  },
)
