import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { openCallers } from '../callers.ts'
import { errorCode, type Harness, json, openHarness } from '../harness.ts'

const prompt = 'Save the numbers as a CSV.'

async function linkTo(gateway: Harness, file_id: string | undefined, more: object = {}) {
  const answer = await gateway.ask('/links', json({ file_id, ...more }))
  return ((await answer.json()) as { download_url: string }).download_url
}

describe('a signed link', () => {
  it('works under every path that the app is mounted at, and with that of the public URL', async () => {
    for (const publicUrl of ['https://files.example.com', 'https://files.example.com/ai/x']) {
      const gateway = openHarness({ publicUrl })
      const [file] = await gateway.respond(prompt)
      const link = await linkTo(gateway, file?.file_id)
      expect(link.startsWith(`${publicUrl}/containers/`)).toBe(true)
      const own = link.slice(publicUrl.length)
      const whole = link.slice('https://files.example.com'.length)
      const hosts = {
        '': gateway.app,
        '/host': new Hono().route('/host', gateway.app),
        '/host/deep': new Hono().route('/host', new Hono().route('/deep', gateway.app)),
        '/mounted': new Hono().mount('/mounted', gateway.app.fetch),
        '/app/mounted': new Hono().route('/app', new Hono().mount('/mounted', gateway.app.fetch)),
      }
      for (const [base, host] of Object.entries(hosts)) {
        for (const target of new Set([own, whole])) {
          for (const method of ['GET', 'HEAD']) {
            const answer = await host.request(base + target, { method })
            expect(answer.status, `${method} ${base}${target}`).toBe(200)
          }
          const broken = await host.request(`${base}${target}x`)
          expect([broken.status, await errorCode(broken)]).toEqual([403, 'signature_invalid'])
        }
      }
    }
  })

  it('is a grant whoever holds it, and whatever credential comes with it', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer(prompt)
    const answer = await gateway.as('ann').ask('/links', json({ file_id: file.file_id }))
    const { download_url } = (await answer.json()) as { download_url: string }
    const target = download_url.slice('http://127.0.0.1:8787'.length)
    const credentials: Record<string, string>[] = [
      {},
      { authorization: 'Bearer key-of-bob' },
      { authorization: 'Bearer wrong' },
      { 'api-key': 'key-of-admin' },
      { cookie: 'a=b' },
    ]
    for (const headers of credentials) {
      expect((await gateway.ask(target, { headers })).status).toBe(200)
    }
    // A right key does not mend a wrong link, nor does a wrong link cost more than itself.
    for (const owner of ['ann', 'admin'] as const) {
      for (const wrong of [`${target}x`, target.slice(0, -1), target.replace(/&k=\w+/, '')]) {
        const refused = await gateway.as(owner).ask(wrong)
        expect([refused.status, await errorCode(refused)]).toEqual([403, 'signature_invalid'])
      }
    }
  })

  it('opens nothing but GET and HEAD', async () => {
    const gateway = openHarness()
    const [file] = await gateway.respond(prompt)
    const target = new URL(await linkTo(gateway, file?.file_id))
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const answer = await gateway.ask(target.pathname + target.search, { method })
      expect([answer.status, answer.headers.get('allow')], method).toEqual([405, 'GET, HEAD'])
      expect(await errorCode(answer)).toBe('method_not_allowed')
    }
    expect((await gateway.ask(`/files/${file?.file_id}`)).status).toBe(200)
  })

  it('opens no other route with its parameters', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer(prompt)
    const { file_id, container_id } = file
    const answer = await gateway.as('ann').ask('/links', json({ file_id }))
    const { search } = new URL(((await answer.json()) as { download_url: string }).download_url)
    const container = `/containers/${container_id}`
    const others = [
      `/files/${file_id}`,
      container,
      `${container}/`,
      `${container}/files`,
      `${container}/files.zip`,
      `${container}/path/sales.csv`,
      `${container}/files/${file_id}/`,
      `${container}/files/${file_id}/content`,
      `${container}/files/cfile_other`,
      `/containers/cntr_other/files/${file_id}`,
    ]
    for (const path of others) {
      const refused = await gateway.ask(path + search)
      expect([refused.status, await errorCode(refused)], path).toEqual([403, 'signature_invalid'])
    }
    // Where no link is taken, its parameters are none.
    for (const path of [`/openai/v1${container}`, `/v1/files/${file_id}/content`]) {
      expect((await gateway.ask(path + search)).status, path).toBe(401)
    }
  })

  it('says when it ended, in the very second', async () => {
    const gateway = openHarness()
    const [file] = await gateway.respond(prompt)
    const url = new URL(await linkTo(gateway, file?.file_id, { expires_in: 2 }))
    const statuses = []
    for (let second = 0; second < 3; second += 1) {
      const answer = await gateway.ask(url.pathname + url.search)
      statuses.push(answer.status)
      gateway.advance(1)
    }
    expect(statuses).toEqual([200, 200, 403])
    // Of a link that was never ours nothing is told, not even that it is over.
    const forged = await gateway.ask(url.pathname + url.search.replace(/s=../, 's=AA'))
    expect(await errorCode(forged)).toBe('signature_invalid')
  })
})

describe('a caller', () => {
  const open = ['/healthz', '/readyz']
  const closed = ['/files/cfile_a', '/containers/cntr_a/files/cfile_a', '/v1/models']

  it('is asked for a credential everywhere but where nothing is told', async () => {
    const gateway = openCallers()
    for (const path of open) expect((await gateway.ask(path)).status, path).toBe(200)
    const wrong: Record<string, string>[] = [
      {},
      { authorization: 'Bearer wrong' },
      { 'api-key': 'ann' },
      { authorization: 'Basic a2V5LW9mLWFubg==' },
      { cookie: 'authorization=key-of-ann' },
    ]
    for (const headers of wrong) {
      for (const path of closed) {
        const answer = await gateway.ask(path, { headers })
        expect([answer.status, await errorCode(answer)], path).toEqual([401, 'unauthorized'])
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
      }
    }
    expect((await gateway.ask('/files/cfile_a?api-key=key-of-ann')).status).toBe(401)
    expect(await gateway.requests()).toEqual([])
  })

  it('is known by a key in either header', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer(prompt)
    const right: Record<string, string>[] = [
      { 'api-key': 'key-of-ann' },
      { authorization: 'bearer key-of-ann' },
      { authorization: 'Bearer key-of-ann', 'api-key': 'of-something-else' },
    ]
    for (const headers of right) {
      expect((await gateway.ask(`/files/${file.file_id}`, { headers })).status).toBe(200)
    }
  })
})

describe('an owner whom a host app names', () => {
  it('is refused with half a character in the name, as all such names would be one owner', async () => {
    for (const owner of ['ann\ud800', 'ann\udfff', '\udc00']) {
      const gateway = openHarness({ authenticate: () => ({ owner }) })
      expect((await gateway.ask('/files/cfile_1')).status, JSON.stringify(owner)).toBe(401)
    }
    const whole = openHarness({ authenticate: () => ({ owner: 'ann\ud83d\ude00' }) })
    expect((await whole.ask('/files/cfile_1')).status).toBe(404)
  })
})
