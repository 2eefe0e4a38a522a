import fc from 'fast-check'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { anyMutation, anyRewriting, mutate } from '../../core/links/grants.ts'
import { openCallers } from '../../lib/callers.ts'
import { errorCode, type Harness, json, openHarness, pathOf } from '../../lib/harness.ts'
import { rounds } from '../../lib/rounds.ts'

const prompt = 'Save the numbers as a CSV.'

async function linkTo(
  gateway: Pick<Harness, 'ask'>,
  file_id: string | undefined,
  more: object = {},
) {
  const answer = await gateway.ask('/links', json({ file_id, ...more }))
  return ((await answer.json()) as { download_url: string }).download_url
}

describe('a signed link', () => {
  it('works under every path that the app is mounted at, and with that of the public URL', async () => {
    const origin = 'https://files.example.com'
    for (const path of ['', '/ai/x', '/s', '/files']) {
      const gateway = openHarness({ publicUrl: origin + path })
      const [file] = await gateway.respond(prompt)
      const link = await linkTo(gateway, file?.file_id)
      expect(link.startsWith(`${origin}${path}/s/`)).toBe(true)
      const whole = link.slice(origin.length)
      const own = whole.slice(path.length)
      const hosts = {
        '': gateway.app,
        '/host': new Hono().route('/host', gateway.app),
        '/host/s': new Hono().route('/host', new Hono().route('/s', gateway.app)),
        '/mounted': new Hono().mount('/mounted', gateway.app.fetch),
        '/app/s': new Hono().route('/app', new Hono().mount('/s', gateway.app.fetch)),
      }
      for (const [base, host] of Object.entries(hosts)) {
        for (const target of new Set([own, whole])) {
          for (const method of ['GET', 'HEAD']) {
            const answer = await host.request(base + target, { method })
            expect(answer.status, `${method} ${base}${target}`).toBe(200)
          }
          const noName = target.slice(0, target.lastIndexOf('/'))
          expect((await host.request(base + noName)).status, base + noName).toBe(200)
          const broken = await host.request(`${base}${noName}x/sales.csv`)
          expect([broken.status, await errorCode(broken)]).toEqual([403, 'signature_invalid'])
        }
      }
    }
  })

  it('grants access to any holder, with any other credential', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer(prompt)
    const link = pathOf(await linkTo(gateway.as('ann'), file.file_id))
    const credentials: Record<string, string>[] = [
      {},
      { authorization: 'Bearer key-of-bob' },
      { authorization: 'Bearer wrong' },
      { 'api-key': 'key-of-admin' },
      { cookie: 'a=b' },
    ]
    for (const headers of credentials) {
      expect((await gateway.ask(link, { headers })).status).toBe(200)
    }
    // A right key does not mend a wrong link.
    const token = link.split('/')[2] ?? ''
    for (const owner of ['ann', 'admin'] as const) {
      for (const wrong of [`${token}x`, token.slice(0, -1), token.replace('.', ''), 's']) {
        const refused = await gateway.as(owner).ask(`/s/${wrong}`)
        expect([refused.status, await errorCode(refused)], wrong).toEqual([
          403,
          'signature_invalid',
        ])
      }
    }
  })

  it('allows only GET and HEAD', async () => {
    const gateway = openHarness()
    const [file] = await gateway.respond(prompt)
    const link = pathOf(await linkTo(gateway, file?.file_id))
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      for (const path of [link, '/s/wrong']) {
        const answer = await gateway.ask(path, { method })
        expect([answer.status, answer.headers.get('allow')], method).toEqual([405, 'GET, HEAD'])
        expect(await errorCode(answer)).toBe('method_not_allowed')
      }
    }
    expect((await gateway.ask(`/files/${file?.file_id}`)).status).toBe(200)
  })

  it('is served on its own route only, and no parameter of another route replaces it', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer(prompt)
    const { file_id, container_id } = file
    const link = pathOf(await linkTo(gateway.as('ann'), file_id))
    const token = link.split('/')[2]
    const old = `u=default&o=x&n=a.csv&e=2000000000&k=own&s=${'A'.repeat(43)}`
    for (const query of [old, `token=${token}`, `s=${token}`]) {
      for (const path of [
        `/files/${file_id}`,
        `/containers/${container_id}`,
        `/containers/${container_id}/files/${file_id}`,
        `/containers/${container_id}/path/sales.csv`,
        `/v1/files/${file_id}/content`,
      ]) {
        expect((await gateway.ask(`${path}?${query}`)).status, path).toBe(401)
      }
    }
    // To whom has a key they are unknown parameters.
    const own = await gateway.as('ann').ask(`/files/${file_id}?${old}`)
    expect(own.status).toBe(200)
    for (const path of ['/s', '/s/', `/s/${token}/a/b`, `/s/x${link}`, `/x${link}`, `${link}//`]) {
      const nowhere = await gateway.ask(path)
      expect([nowhere.status, await errorCode(nowhere)], path).toEqual([404, 'not_found'])
    }
  })

  it('is served in no other spelling of its token, and in every other of its name and query', async () => {
    const gateway = openHarness({ publicUrl: 'http://localhost/ai' })
    const [chart, csv] = await gateway.respond('Draw a bar chart and save the numbers as a CSV.')
    const [link, other] = [
      await linkTo(gateway, chart?.file_id, { filename: "it's (a) für alle.png" }),
      await linkTo(gateway, csv?.file_id),
    ]
    const [token, second] = [link, other].map((one) => one.split('/s/')[1]?.split('/')[0] ?? '')
    await fc.assert(
      fc.asyncProperty(anyMutation, async (mutation) => {
        const sent = new URL(
          link.replace(token ?? '', () => mutate(token ?? '', second ?? '', mutation)),
        )
        // A query, a fragment or a slash may have cut the whole token off.
        const isSame = [token, second].some((one) => sent.pathname.split('/')[3] === one)
        const { status } = await gateway.ask(sent.pathname, { method: 'HEAD' })
        expect(isSame ? [200] : [403, 404], sent.href).toContain(status)
      }),
      { seed: 1, numRuns: rounds(200) },
    )
    await fc.assert(
      fc.asyncProperty(anyRewriting, async (rewrite) => {
        const rewritten = rewrite(link)
        expect((await gateway.ask(rewritten, { method: 'HEAD' })).status, rewritten).toBe(200)
      }),
      { seed: 2, numRuns: rounds(200) },
    )
  })

  it('ignores its query', async () => {
    const gateway = openHarness()
    const [file] = await gateway.respond('Draw a bar chart.')
    const link = pathOf(await linkTo(gateway, file?.file_id))
    const query = '?disposition=inline&disposition=evil&container_id=cntr_x&all=7&utm_source=mail'
    const answer = await gateway.ask(link + query)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment/)
  })

  it('expires in the exact second', async () => {
    const gateway = openHarness()
    const [file] = await gateway.respond(prompt)
    const link = pathOf(await linkTo(gateway, file?.file_id, { expires_in: 2 }))
    const statuses = []
    for (let second = 0; second < 3; second += 1) {
      const answer = await gateway.ask(link)
      statuses.push(answer.status)
      gateway.advance(1)
    }
    expect(statuses).toEqual([200, 200, 403])
    expect(await errorCode(await gateway.ask(link))).toBe('link_expired')
    // A link that cfile never signed gets no further information, such as its expiry.
    const forged = await gateway.ask(link.replace(/^\/s\/AQ/, '/s/AR'))
    expect(await errorCode(forged)).toBe('signature_invalid')
  })
})

describe('a caller', () => {
  const open = ['/healthz', '/readyz']
  const closed = ['/files/cfile_a', '/containers/cntr_a/files/cfile_a', '/v1/models']

  it('needs a credential except for routes without data', async () => {
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

  it('is identified by a key in either header', async () => {
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
