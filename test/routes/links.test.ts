import { describe, expect, it } from 'vitest'
import { apiKey } from '../../src/azure/credentials.ts'
import { ownerKey } from '../../src/gateway/owners/access.ts'
import { parseSigningKeys, signUrl } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { openCallers, refusal } from '../lib/callers.ts'
import { errorCode, grantIn, json, openHarness } from '../lib/harness.ts'

const origin = 'http://127.0.0.1:8787'
const prompt = 'Save the numbers as a CSV.'
const signingKeys = parseSigningKeys(`k:${'s'.repeat(32)}`)

interface Made {
  readonly download_url: string
  readonly expires_at: number
}

async function madeLink(answer: Response): Promise<Made> {
  expect(answer.status).toBe(200)
  const made = (await answer.json()) as Made
  expect(Object.keys(made)).toEqual(['download_url', 'expires_at'])
  expect(made.download_url).toMatch(/^[A-Za-z0-9\-._~%/:]+$/)
  expect(new URL(made.download_url).href).toBe(made.download_url)
  return made
}

const pathOf = ({ download_url }: Made) => download_url.slice(origin.length)

describe('signUrl', () => {
  it('creates links in a back end that a gateway with the same keys accepts', async () => {
    const { ask, respond } = openHarness({ signingKeys })
    const [file] = await respond(prompt)
    const grant = {
      kind: 'file',
      fileId: file?.file_id ?? '',
      containerId: file?.container_id ?? '',
      filename: 'yours.csv',
      expiresAt: 1_790_000_600,
    } as const
    const link = await signUrl(grant, { base: origin, keys: signingKeys })
    const download = await ask(link.slice(origin.length))
    expect(download.status).toBe(200)
    expect(download.headers.get('content-disposition')).toContain('yours.csv')
  })
})

describe('POST /links', () => {
  it('creates a link that works without a key, on an instance that has no record of the file', async () => {
    const gateway = openCallers({ signingKeys })
    const { file } = await gateway.as('ann').answer(prompt)
    const { file_id } = file
    const made = await madeLink(await gateway.as('ann').ask('/links', json({ file_id })))
    expect(made.expires_at).toBe(1_790_000_000 + 3600)
    const download = await gateway.ask(pathOf(made))
    expect(download.status).toBe(200)
    expect(download.headers.get('content-disposition')).toContain(file.filename)
    expect(download.headers.get('cross-origin-resource-policy')).toBe('cross-origin')

    const other = openHarness({
      signingKeys,
      upstreams: [
        {
          endpoint: 'http://emulator.localhost',
          credential: apiKey('another'),
          fetch: async (input, init) => gateway.emulator.fetch(new Request(input, init)),
        },
      ],
    })
    const elsewhere = await other.ask(pathOf(made))
    expect(elsewhere.status).toBe(200)
    expect(elsewhere.headers.get('content-disposition')).toContain(file.filename)
  })

  it('works while the store is down', async () => {
    let isDown = false
    const inner = memoryStore({ now: () => 0 })
    const check = async () => {
      if (isDown) throw new Error('down')
    }
    const store: typeof inner = {
      get: async (...all) => check().then(() => inner.get(...all)),
      put: async (...all) => check().then(() => inner.put(...all)),
      delete: async (...all) => check().then(() => inner.delete(...all)),
      list: async (...all) => check().then(() => inner.list(...all)),
    }
    const gateway = openCallers({ store })
    const { file } = await gateway.as('ann').answer(prompt)
    const made = await madeLink(
      await gateway.as('ann').ask('/links', json({ file_id: file.file_id })),
    )
    isDown = true
    for (const method of ['GET', 'HEAD']) {
      expect((await gateway.ask(pathOf(made), { method })).status).toBe(200)
    }
  })

  it('accepts lifetime, name and disposition', async () => {
    const gateway = openHarness()
    const [chart] = await gateway.respond('Draw a bar chart.')
    const post = {
      file_id: chart?.file_id,
      expires_in: 60,
      disposition: 'inline',
      filename: 'für ../alle.png',
    }
    const made = await madeLink(await gateway.ask('/links', json(post)))
    expect(made.expires_at).toBe(1_790_000_060)
    const inline = await gateway.ask(pathOf(made))
    expect(inline.headers.get('content-disposition')).toBe(
      `inline; filename="f_r .._alle.png"; filename*=UTF-8''f%C3%BCr%20.._alle.png`,
    )
    gateway.advance(59)
    expect((await gateway.ask(pathOf(made))).status).toBe(200)
    gateway.advance(1)
    const late = await gateway.ask(pathOf(made))
    expect(late.status).toBe(403)
    const { error } = (await late.json()) as { error: { code: string; message: string } }
    expect(error.code).toBe('link_expired')
    expect(error.message).toContain(new Date(made.expires_at * 1000).toISOString())
  })

  it('links to the page and the zip of a container, each for its owner', async () => {
    const gateway = openCallers()
    const { container_id } = (await gateway.as('ann').answer(prompt)).file
    const names = { page: container_id, zip: 'files.zip' }
    for (const [kind, name] of Object.entries(names)) {
      const answer = await gateway.as('ann').ask('/links', json({ container_id, kind }))
      const { download_url } = await madeLink(answer)
      expect(download_url.split('/').at(-1)).toBe(name)
      const owner = await ownerKey('ann')
      expect(grantIn(download_url)).toMatchObject({ kind, containerId: container_id, owner })
    }
  })

  it('ignores a container that is named with a file of the Files API', async () => {
    const gateway = openHarness()
    const post = { file_id: 'file-abc', container_id: 'cntr_a' }
    const made = await madeLink(await gateway.ask('/links', json(post)))
    expect(grantIn(made.download_url)).toMatchObject({ fileId: 'file-abc', containerId: undefined })
  })

  it('makes a link of the thing’s owner when an admin asks for it', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer(prompt)
    const posts = [{ file_id: file.file_id }, { container_id: file.container_id, kind: 'page' }]
    for (const post of posts) {
      const made = await madeLink(await gateway.as('admin').ask('/links', json(post)))
      expect(grantIn(made.download_url).owner).toBe(await ownerKey('ann'))
    }
  })

  it('gives the same error for foreign and for missing objects, without an upstream request', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer(prompt)
    await gateway.requests()
    const { file_id, container_id } = file
    const pairs = [
      [{ file_id }, { file_id: 'cfile_nobodys' }, 'file_not_found'],
      [{ file_id, container_id }, { file_id, container_id: 'cntr_nobodys' }, 'file_not_found'],
      [
        { container_id, kind: 'zip' },
        { container_id: 'cntr_nobodys', kind: 'zip' },
        'container_not_found',
      ],
    ] as const
    for (const [theirs, nobodys, code] of pairs) {
      const refused = await refusal(await gateway.as('bob').ask('/links', json(theirs)))
      expect(refused).toMatchObject({ status: 404, error: { code } })
      expect(await refusal(await gateway.as('bob').ask('/links', json(nobodys)))).toEqual(refused)
    }
    expect((await gateway.ask('/links', json({ file_id }))).status).toBe(401)
    expect(await gateway.requests()).toEqual([])
  })

  it('gives the same error for a foreign and for a missing file in an own container', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer(prompt)
    const { container_id, file_id } = (await gateway.as('bob').answer(prompt)).file
    const link = async (id: string) =>
      refusal(await gateway.as('bob').ask('/links', json({ file_id: id, container_id })))
    const theirs = await link(file.file_id)
    expect(theirs).toMatchObject({ status: 404, error: { code: 'file_not_found' } })
    expect(await link(`${file_id.slice(0, -1)}${file_id.endsWith('0') ? 1 : 0}`)).toEqual(theirs)
    await madeLink(await gateway.as('bob').ask('/links', json({ file_id, container_id })))
  })

  it('can link to a file of an own container that nothing has cited or listed yet', async () => {
    const gateway = openCallers()
    const { container_id } = (await gateway.as('ann').answer(prompt)).file
    const form = new FormData()
    form.set('file', new File(['a'], 'a.txt'))
    const path = `/containers/${container_id}/files`
    const made = await gateway.upstream(path, { method: 'POST', body: form })
    const { id } = (await made.json()) as { id: string }
    const link = await gateway.as('ann').ask('/links', json({ file_id: id, container_id }))
    expect((await gateway.ask(pathOf(await madeLink(link)))).status).toBe(200)
  })

  it('records an existing thing without an owner for the caller with CFILE_TRUST_UNRECORDED', async () => {
    const gateway = openCallers({ trustUnrecorded: true })
    const { file_id, container_id } = (await gateway.answerDirectly(prompt)).file
    const posts = [
      { container_id, kind: 'zip' },
      { file_id, container_id },
    ]
    for (const post of posts) {
      await madeLink(await gateway.as('ann').ask('/links', json(post)))
      expect((await gateway.as('bob').ask('/links', json(post))).status).toBe(404)
    }
    const missing = [
      { container_id: 'cntr_nobodys', kind: 'zip' },
      { file_id: 'cfile_nobodys', container_id: 'cntr_nobodys' },
    ]
    for (const post of missing) {
      expect((await gateway.as('ann').ask('/links', json(post))).status).toBe(404)
    }
  })

  it('asks for the container when nothing is recorded', async () => {
    const gateway = openHarness()
    const post = { file_id: 'cfile_a' }
    expect(await errorCode(await gateway.ask('/links', json(post)))).toBe('container_unknown')
    const named = await gateway.ask('/links', json({ ...post, container_id: 'cntr_a' }))
    expect(grantIn((await madeLink(named)).download_url)).toMatchObject({
      fileId: 'cfile_a',
      containerId: 'cntr_a',
    })
    expect(await gateway.requests()).toEqual([])
  })

  const file = { file_id: 'cfile_a', container_id: 'cntr_a' }
  const page = { container_id: 'cntr_a', kind: 'page' }
  const wrong: [post: object | string, code: string][] = [
    ['', 'invalid_request'],
    ['[]', 'invalid_request'],
    [{}, 'invalid_id'],
    [{ container_id: 'cntr_a' }, 'invalid_id'],
    [{ ...file, file_id: 7 }, 'invalid_request'],
    [{ ...file, file_id: 'cfile_a/../b' }, 'invalid_id'],
    [{ ...file, file_id: 'resp_a' }, 'invalid_id'],
    [{ ...file, container_id: 'cntr_../x' }, 'invalid_id'],
    [{ ...file, expires_in: 0 }, 'invalid_request'],
    [{ ...file, expires_in: -1 }, 'invalid_request'],
    [{ ...file, expires_in: 1.5 }, 'invalid_request'],
    [{ ...file, expires_in: '60' }, 'invalid_request'],
    [{ ...file, expires_in: 31_536_001 }, 'invalid_request'],
    [{ ...file, expires_in: null }, 'invalid_request'],
    [{ ...file, disposition: 'evil' }, 'invalid_request'],
    [{ ...file, filename: {} }, 'invalid_request'],
    [{ ...file, owner: 'bob' }, 'invalid_request'],
    [{ ...file, kind: 'page' }, 'invalid_request'],
    [{ ...page, kind: 'list' }, 'invalid_request'],
    [{ ...page, kind: 'file' }, 'invalid_request'],
    [{ ...page, disposition: 'inline' }, 'invalid_request'],
    [{ ...page, container_id: 'resp_a' }, 'invalid_id'],
    ['{"__proto__":{"file_id":"cfile_a"}}', 'invalid_request'],
  ]
  it.each(wrong)('refuses %j', async (post, code) => {
    const gateway = openHarness()
    const body = typeof post === 'string' ? post : JSON.stringify(post)
    const answer = await gateway.ask('/links', { method: 'POST', body })
    expect([answer.status, await errorCode(answer)]).toEqual([400, code])
  })

  it('lists the allowed methods', async () => {
    const answer = await openHarness().ask('/links')
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
  })
})
