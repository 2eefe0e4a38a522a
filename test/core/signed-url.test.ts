import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cleanFilename } from '../../src/core/content-disposition.ts'
import type { Grant } from '../../src/core/grant.ts'
import { createSigner, parseLinkBase, signUrl, verifyUrl } from '../../src/core/signed-url.ts'
import { parseSigningKeys } from '../../src/core/signing-keys.ts'
import { rounds } from '../rounds.ts'

const keys = parseSigningKeys(`new:${'n'.repeat(32)},old:${'o'.repeat(40)}`)
const signer = createSigner(keys)
const base = 'https://files.example.com'
const now = 1_790_000_000
const containerId = `cntr_${'6a1b2c3d'.padEnd(48, '4')}`
const fileId = `cfile_${'6a1b2c3e'.padEnd(32, '5')}`
const file: Grant = { kind: 'file', containerId, fileId, expiresAt: now + 60 }

/** Any UTF-16 units, so half surrogate pairs too. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0x20, max: 0x7e })), { maxLength: 40 })
  .map((units) => String.fromCharCode(...units))
const anyName = fc.oneof(
  anyText,
  fc.constantFrom("it's (1)*!.csv", '100%.csv', '%41.csv', '😀.png', '..', 'a b+c.csv', '?#&=/\\'),
)
const terms = {
  expiresAt: fc.integer({ min: now + 1, max: now + 1e6 }),
  upstream: fc.option(anyName, { nil: undefined }),
}
const owner = fc.stringMatching(/^[\w-]{1,64}$/)
const disposition = fc.constantFrom('attachment' as const, 'inline' as const)
const anyGrant: fc.Arbitrary<Grant> = fc.oneof(
  fc.record({
    ...terms,
    kind: fc.constant('file' as const),
    fileId: fc.constantFrom(fileId, 'assistant-Ab12'),
    containerId: fc.constant(containerId),
    filename: fc.option(anyName, { nil: undefined }),
    owner: fc.option(owner, { nil: undefined }),
    disposition,
  }),
  fc.record({
    ...terms,
    kind: fc.constant('file' as const),
    fileId: fc.constant('file-Ab12'),
    filename: anyName,
    disposition,
  }),
  fc.record({
    ...terms,
    kind: fc.constant('path' as const),
    containerId: fc.constant(containerId),
    path: fc
      .array(anyName, { minLength: 1, maxLength: 3 })
      .map((parts) => parts.join('/'))
      .filter((path) => path !== '' && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(path)),
    disposition,
    owner,
  }),
  fc.record({
    ...terms,
    kind: fc.constantFrom('page' as const, 'zip' as const, 'list' as const),
    containerId: fc.constant(containerId),
    owner,
  }),
)

async function signTarget(grant: Grant): Promise<string> {
  return (await signer.sign(base, grant)).slice(base.length)
}

describe('a signed link', () => {
  it('carries all that it takes to serve a file from an empty store', async () => {
    const grant: Grant = {
      kind: 'file',
      containerId,
      fileId,
      upstream: 'sweden',
      owner: 'k1',
      filename: 'Übersicht (1).csv',
      disposition: 'inline',
      expiresAt: now + 60,
    }
    const link = await signer.sign(base, grant)
    expect(link).toBe(
      `${base}/containers/${containerId}/files/${fileId}?u=sweden&o=k1&n=%C3%9Cbersicht%20%281%29.csv&d=inline&e=${now + 60}&k=new&s=${link.slice(-43)}`,
    )
    expect(await createSigner(keys).verify(link.slice(base.length), now)).toEqual(grant)
  })

  it('survives every URL parser and every name, and means the same afterwards', async () => {
    await fc.assert(
      fc.asyncProperty(anyGrant, async (grant) => {
        const link = await signer.sign(`${base}/ai`, grant)
        expect(link).toMatch(/^[A-Za-z0-9\-._~%/?&=:]+$/)
        expect(new URL(link).href).toBe(link)
        const granted = await signer.verify(link.slice(base.length + 3), now)
        expect(granted).toEqual({
          ...grant,
          upstream: grant.upstream?.toWellFormed() || undefined,
          ...(grant.kind === 'path' && { path: grant.path.toWellFormed() }),
          ...(grant.kind === 'file' && {
            filename: cleanFilename(grant.filename ?? '') || undefined,
          }),
        })
      }),
      { seed: 1, numRuns: rounds(300) },
    )
  })

  it('leads to each kind of thing by the route that serves it', async () => {
    const of = async (grant: Grant) => (await signTarget(grant)).split('?')[0]
    const common = { containerId, expiresAt: now + 60, owner: 'k1' }
    expect(await of({ kind: 'file', fileId: 'file-Ab12', expiresAt: now })).toBe('/files/file-Ab12')
    expect(await of({ kind: 'page', ...common })).toBe(`/containers/${containerId}`)
    expect(await of({ kind: 'list', ...common })).toBe(`/containers/${containerId}/files`)
    expect(await of({ kind: 'zip', ...common })).toBe(`/containers/${containerId}/files.zip`)
    const paths = {
      'out/a b.csv': 'out/a%20b.csv',
      '%2e%2e/a%20b': '%252e%252e/a%2520b',
      '//a': '//a',
    }
    for (const [path, spelt] of Object.entries(paths)) {
      expect(await of({ kind: 'path', path, ...common })).toBe(
        `/containers/${containerId}/path/${spelt}`,
      )
    }
  })

  it('is refused with one character changed, dropped, doubled or added', async () => {
    const alphabet = 'ABCXYZabcxyz0189-._~%/?&=:+#; \\\u0000é'
    const mutation = fc.record({
      grant: anyGrant,
      at: fc.nat(),
      character: fc.constantFrom(...alphabet),
      how: fc.constantFrom('change', 'drop', 'double', 'add', 'case'),
    })
    let changed = 0
    await fc.assert(
      fc.asyncProperty(mutation, async ({ grant, at, character, how }) => {
        const target = await signTarget(grant)
        const index = at % target.length
        const old = target.charAt(index)
        const put = {
          change: character,
          drop: '',
          double: old + old,
          add: old + character,
          case: old === old.toLowerCase() ? old.toUpperCase() : old.toLowerCase(),
        }[how]
        const mutated = target.slice(0, index) + put + target.slice(index + 1)
        if (mutated === target) return
        changed += 1
        await expect(signer.verify(mutated, now)).rejects.toMatchObject({
          code: 'signature_invalid',
        })
      }),
      { seed: 2, numRuns: rounds(2000) },
    )
    expect(changed).toBeGreaterThan(rounds(1000))
  }, 300_000)

  it('is refused with parameters in another order, doubled, missing, empty or unknown', async () => {
    const mutation = fc.record({
      grant: anyGrant,
      from: fc.nat(),
      to: fc.nat(),
      how: fc.constantFrom('swap', 'double', 'move', 'drop', 'empty', 'add', 'bare'),
      added: fc.constantFrom(
        'download=1',
        'disposition=inline',
        'd=inline',
        'd=attachment',
        'n=',
        '',
      ),
    })
    await fc.assert(
      fc.asyncProperty(mutation, async ({ grant, from, to, how, added }) => {
        const target = await signTarget(grant)
        const [path = '', query = ''] = target.split('?')
        const list = query.split('&')
        const [one, other] = [from % list.length, to % list.length]
        const [a = '', b = ''] = [list[one], list[other]]
        if (how === 'swap') [list[one], list[other]] = [b, a]
        if (how === 'double') list.splice(other, 0, a)
        if (how === 'move') list.push(...list.splice(one, 1))
        if (how === 'drop') list.splice(one, 1)
        if (how === 'empty') list[one] = a.replace(/=.*/, '=')
        if (how === 'bare') list[one] = a.replace(/=.*/, '')
        if (how === 'add') list.splice(other, 0, added)
        const mutated = `${path}?${list.join('&')}`
        if (mutated === target) return
        await expect(signer.verify(mutated, now)).rejects.toMatchObject({
          code: 'signature_invalid',
        })
      }),
      { seed: 3, numRuns: rounds(500) },
    )
  })

  it('is refused in every other spelling of the same thing', async () => {
    const target = await signTarget({
      kind: 'path',
      containerId,
      path: "it's a/ü.csv",
      owner: 'k1',
      expiresAt: now + 60,
    })
    const [path = '', query = ''] = target.split('?')
    const spellings = [
      `${path}/?${query}`,
      `/${path}?${query}`,
      `/.${path}?${query}`,
      `${path.replace('/path/', '/path/./')}?${query}`,
      `${path.replace('/path/', '/path/x/../')}?${query}`,
      `${path.replace('/path/', '/path//')}?${query}`,
      `${path.replace('%27', "'")}?${query}`,
      `${path.replace('%20', '+')}?${query}`,
      `${path.replace('%C3%BC', '%c3%bc')}?${query}`,
      `${path.replace('%C3%BC', 'ü')}?${query}`,
      `${path.replace('%C3%BC', 'u%CC%88')}?${query}`,
      `${path.replace('%C3%BC', '%C3')}?${query}`,
      `${path.replace('a/', 'a%2F')}?${query}`,
      `${path.replace('cntr', '%63ntr')}?${query}`,
      `${path}?&${query}`,
      `${path}??${query}`,
      `${target}&`,
      `${target}=`,
      `${target}#`,
      `${target}#top`,
      `${path}?${query.replace('e=', 'e=0')}`,
      `${path}?${query.replace('e=', 'e=%2B')}`,
      `${path}?${query.replace('e=', '%65=')}`,
      `${path}?${query.replaceAll('&', ';')}`,
      `${path}?${query.replaceAll('&', '&amp;')}`,
      base + target,
      target.toUpperCase(),
      '',
      '?',
      path,
      `?${query}`,
      `${target}\ud800`,
    ]
    expect(await signer.verify(target, now)).toMatchObject({ kind: 'path' })
    for (const spelling of spellings) {
      await expect(signer.verify(spelling, now), spelling).rejects.toMatchObject({
        code: 'signature_invalid',
        status: 403,
      })
    }
  })

  it('is refused when the unused bits of its last character differ, though the bytes are the same', async () => {
    const target = await signTarget(file)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet.indexOf(target.slice(-1))
    expect(last % 4).toBe(0)
    for (const more of [1, 2, 3]) {
      const other = target.slice(0, -1) + alphabet.charAt(last + more)
      await expect(signer.verify(other, now)).rejects.toThrow(/not valid/)
    }
  })

  it('opens nothing but its own thing', async () => {
    const common = { containerId, owner: 'k1', expiresAt: now + 60 }
    const grants: Grant[] = [
      { kind: 'page', ...common },
      { kind: 'zip', ...common },
      { kind: 'list', ...common },
      { kind: 'path', path: 'a.csv', ...common },
      { kind: 'file', fileId, ...common },
    ]
    const targets = await Promise.all(grants.map(signTarget))
    const paths = targets.map((target) => target.split('?')[0])
    for (const [at, target] of targets.entries()) {
      for (const [other, path] of paths.entries()) {
        const moved = `${path}?${target.split('?')[1]}`
        const check = signer.verify(moved, now)
        if (at === other) expect(await check).toMatchObject({ kind: grants[at]?.kind })
        else await expect(check).rejects.toThrow(/not valid/)
      }
    }
  })

  it('ends, and says when', async () => {
    const target = await signTarget({ ...file, expiresAt: 1_790_000_000 })
    expect(await signer.verify(target, 1_789_999_999)).toMatchObject({ fileId })
    await expect(signer.verify(target, 1_790_000_000)).rejects.toMatchObject({
      code: 'link_expired',
      status: 403,
      message: expect.stringContaining('2026-09-21T14:13:20.000Z'),
    })
  })

  it('outlives the rotation of keys, but not the removal of its own', async () => {
    const [first, second] = keys
    const old = await createSigner([second ?? first]).sign(base, file)
    expect(old).toContain('&k=old&')
    expect(await signer.verify(old.slice(base.length), now)).toMatchObject({ fileId })
    const target = await signTarget(file)
    await expect(createSigner([second ?? first]).verify(target, now)).rejects.toThrow(/not valid/)
    const renamed = createSigner([{ kid: 'new', secret: new Uint8Array(32) }])
    await expect(renamed.verify(target, now)).rejects.toThrow(/not valid/)
  })

  it('stays short enough for every server: a name that is too long is the upstream’s to tell', async () => {
    const link = await signer.sign(base, { ...file, filename: `${'ü'.repeat(2000)}.csv` } as Grant)
    expect(link).not.toContain('n=')
    expect(await signer.verify(link.slice(base.length), now)).toMatchObject({ fileId })
    const path: Grant = {
      kind: 'path',
      containerId,
      path: 'ü'.repeat(2000),
      owner: 'a',
      expiresAt: now,
    }
    await expect(signer.sign(base, path)).rejects.toMatchObject({ code: 'invalid_request' })
  })

  it('is never made for what cannot be granted', async () => {
    const container = { containerId, owner: 'k1', expiresAt: now }
    const wrong: unknown[] = [
      { ...file, fileId: 'cfile_a/../b' },
      { ...file, containerId: undefined },
      { ...file, containerId: 'cntr_a/b' },
      { ...file, expiresAt: 1.5 },
      { ...file, expiresAt: Number.NaN },
      { ...file, owner: '' },
      { ...container, kind: 'page', owner: undefined },
      { ...container, kind: 'zip', owner: 'Ann Smith' },
      { ...container, kind: 'page', containerId: 'resp_1' },
      { ...container, kind: 'path', path: '' },
      { ...container, kind: 'path', path: '../secret' },
      { ...container, kind: 'path', path: 'a/.' },
    ]
    for (const grant of wrong) {
      await expect(signer.sign(base, grant as Grant), JSON.stringify(grant)).rejects.toMatchObject({
        status: 400,
      })
    }
  })
})

describe('parseLinkBase', () => {
  it('gives back the base that every link begins with', () => {
    expect(parseLinkBase('https://Files.Example.com/')).toBe('https://files.example.com')
    expect(parseLinkBase('http://127.0.0.1:8787/ai//')).toBe('http://127.0.0.1:8787/ai')
    expect(parseLinkBase('http://[::1]:8787')).toBe('http://[::1]:8787')
    expect(parseLinkBase('https://bücher.example/x')).toBe('https://xn--bcher-kva.example/x')
  })

  it('refuses a base whose links would not be the same to everybody', () => {
    for (const text of [
      'files.example.com',
      '/ai',
      'ftp://a.example',
      'https://user@a.example',
      'https://a.example/?x=1',
      'https://a.example/#x',
      "https://a.example/it's",
      'https://a.example/(x)',
      'javascript:alert(1)',
    ]) {
      expect(() => parseLinkBase(text), text).toThrow(/CFILE_PUBLIC_URL/)
    }
  })
})

describe('signUrl and verifyUrl', () => {
  it('work without a gateway, with the path of the base and without it', async () => {
    for (const path of ['', '/ai', '/files', '/containers']) {
      const settings = { base: `${base}${path}/`, keys, now }
      const link = await signUrl(file, settings)
      const whole = link.slice(base.length)
      for (const form of [link, whole, whole.slice(path.length)]) {
        expect(await verifyUrl(form, settings), form).toMatchObject({ fileId })
      }
      for (const form of [`${link}x`, `/x${whole}`, `https://other.example${whole}`]) {
        await expect(verifyUrl(form, settings), form).rejects.toThrow(/not valid/)
      }
    }
  })
})
