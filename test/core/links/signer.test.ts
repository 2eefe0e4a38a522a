import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cleanFilename } from '../../../src/core/http/content-disposition.ts'
import type { Grant } from '../../../src/core/links/grant.ts'
import { parseSigningKeys } from '../../../src/core/links/keys.ts'
import { createSigner, parseLinkBase, signUrl, verifyUrl } from '../../../src/core/links/signer.ts'
import { rounds } from '../../lib/rounds.ts'
import { anyGrant, anyMutation, anyRewriting, containerId, fileId, mutate, now } from './grants.ts'

const keys = parseSigningKeys(`new:${'n'.repeat(32)},old~2:${'o'.repeat(40)}`)
const signer = createSigner(keys)
const base = 'https://files.example.com'
const file: Grant = { kind: 'file', containerId, fileId, expiresAt: now + 60 }
const settings = { base, keys, now }

const tokenOf = (link: string) => link.split('/s/')[1]?.split('/')[0] ?? ''

async function sign(grant: Grant): Promise<string> {
  return tokenOf(await signer.sign(base, grant))
}

describe('a signed link', () => {
  it('contains everything needed to serve a file from an empty store, in few characters', async () => {
    const grant: Grant = {
      kind: 'file',
      containerId,
      fileId,
      upstream: 'sweden',
      owner: '0123456789abcdef'.repeat(2),
      filename: 'Übersicht (1).csv',
      disposition: 'inline',
      expiresAt: now + 60,
    }
    const link = await signer.sign(base, grant)
    const token = tokenOf(link)
    expect(link).toBe(`${base}/s/${token}/%C3%9Cbersicht%20%281%29.csv`)
    expect(token.length).toBeLessThan(160)
    expect(await createSigner(keys).verify(token, now)).toEqual(grant)
  })

  it('survives every URL parser and every name without a change of meaning', async () => {
    await fc.assert(
      fc.asyncProperty(anyGrant, async (grant) => {
        const link = await signer.sign(`${base}/ai`, grant)
        expect(link).toMatch(/^[A-Za-z0-9\-._~%/:]+$/)
        expect(link).toMatch(/\/ai\/s\/[\w.-]+\/[^/]+$/)
        expect(new URL(link).href).toBe(link)
        expect(await signer.verify(tokenOf(link), now)).toEqual({
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

  it('ends with the name under which simple clients save the file', async () => {
    const common = { containerId, expiresAt: now + 60 }
    const names: [Grant, string][] = [
      [{ ...file, filename: "it's (a) für~alle.csv" }, 'it%27s%20%28a%29%20f%C3%BCr~alle.csv'],
      [{ ...file, filename: 'a/b\\..' }, 'a_b_..'],
      [{ ...file, filename: '..' }, '__'],
      [{ ...file, filename: '%2e%2e' }, '%252e%252e'],
      [file, fileId],
      [{ kind: 'file', fileId: 'file-Ab12', expiresAt: now }, 'file-Ab12'],
      [{ kind: 'path', path: 'out/a b.csv', ...common }, 'a%20b.csv'],
      [{ kind: 'path', path: 'a%20b.csv', ...common }, 'a%20b.csv'],
      [{ kind: 'path', path: 'out/..', ...common }, '__'],
      [{ kind: 'path', path: 'out/', ...common }, containerId],
      [{ kind: 'page', ...common }, containerId],
      [{ kind: 'zip', ...common }, 'files.zip'],
    ]
    for (const [grant, name] of names) {
      expect((await signer.sign(base, grant)).split('/').at(-1), JSON.stringify(grant)).toBe(name)
    }
  })

  it('is refused after any change of its token, always with the same message', async () => {
    let changed = 0
    await fc.assert(
      fc.asyncProperty(anyGrant, anyGrant, anyMutation, async (one, two, mutation) => {
        const [link, other] = await Promise.all([signer.sign(base, one), sign(two)])
        const token = tokenOf(link)
        const mutated = mutate(token, other, mutation)
        if (mutated === token || mutated === other) return
        changed += 1
        const refusal = { code: 'signature_invalid', status: 403 }
        await expect(signer.verify(mutated, now)).rejects.toMatchObject(refusal)
        const whole = link.replace(token, () => mutated)
        // Text after a query or a slash is not part of the token.
        if (mutated.startsWith(token) && /^[/?#]/.test(mutated.slice(token.length))) return
        await expect(verifyUrl(whole, settings)).rejects.toMatchObject(refusal)
      }),
      { seed: 2, numRuns: rounds(2000) },
    )
    expect(changed).toBeGreaterThan(rounds(1700))
  }, 900_000)

  it('is accepted after any change of its name or query', async () => {
    await fc.assert(
      fc.asyncProperty(anyGrant, anyRewriting, async (grant, rewrite) => {
        const link = await signer.sign(base, grant)
        const granted = await signer.verify(tokenOf(link), now)
        const rewritten = rewrite(link)
        await expect(verifyUrl(rewritten, settings), rewritten).resolves.toEqual(granted)
      }),
      { seed: 3, numRuns: rounds(1000) },
    )
  })

  it('is refused if the unused bits of its last character differ, although the bytes are the same', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const token = await sign(file)
    const last = alphabet.indexOf(token.slice(-1))
    expect(last % 16).toBe(0)
    for (let more = 1; more < 16; more += 1) {
      const other = token.slice(0, -1) + alphabet.charAt(last + more)
      await expect(signer.verify(other, now)).rejects.toThrow(/not valid/)
    }
  })

  it('expires, and says when', async () => {
    const token = await sign({ ...file, expiresAt: 1_790_000_000 })
    expect(await signer.verify(token, 1_789_999_999)).toMatchObject({ fileId })
    await expect(signer.verify(token, 1_790_000_000)).rejects.toMatchObject({
      code: 'link_expired',
      status: 403,
      message: expect.stringContaining('2026-09-21T14:13:20.000Z'),
    })
  })

  it('stays valid after a rotation of keys until its own key is removed', async () => {
    const [first, second = first] = keys
    const old = tokenOf(await createSigner([second]).sign(base, file))
    expect(await signer.verify(old, now)).toMatchObject({ fileId })
    const token = await sign(file)
    await expect(createSigner([second]).verify(token, now)).rejects.toThrow(/not valid/)
    const renamed = createSigner([{ kid: 'new', secret: new Uint8Array(32) }])
    await expect(renamed.verify(token, now)).rejects.toThrow(/not valid/)
  })

  it('stays short enough for every server by leaving out a name that is too long', async () => {
    for (const length of [2000, 1e6]) {
      const filename = `${'ü'.repeat(length)}.csv`
      const link = await signer.sign(base, { ...file, filename } as Grant)
      expect(link.split('/').at(-1)).toBe(fileId)
      expect(await signer.verify(tokenOf(link), now)).toEqual({
        ...file,
        disposition: 'attachment',
      })
      const path: Grant = { kind: 'path', containerId, path: 'ü'.repeat(length), expiresAt: now }
      await expect(signer.sign(base, path)).rejects.toMatchObject({ code: 'invalid_request' })
    }
  })

  it('is not made for an invalid grant', async () => {
    const container = { containerId, owner: 'k1', expiresAt: now }
    const wrong: unknown[] = [
      { ...file, fileId: 'cfile_a/../b' },
      { ...file, containerId: undefined },
      { ...file, containerId: 'cntr_a/b' },
      { ...file, expiresAt: 1.5 },
      { ...file, expiresAt: Number.NaN },
      { ...file, expiresAt: -1 },
      { ...file, owner: '' },
      { ...container, kind: 'zip', owner: 'Ann Smith' },
      { ...container, kind: 'page', containerId: 'resp_1' },
      { ...container, kind: 'path', path: '' },
    ]
    for (const grant of wrong) {
      await expect(signer.sign(base, grant as Grant), JSON.stringify(grant)).rejects.toMatchObject({
        status: 400,
      })
    }
  })
})

describe('parseLinkBase', () => {
  it('returns the base that every link begins with', () => {
    expect(parseLinkBase('https://Files.Example.com/')).toBe('https://files.example.com')
    expect(parseLinkBase('http://127.0.0.1:8787/ai//')).toBe('http://127.0.0.1:8787/ai')
    expect(parseLinkBase('http://[::1]:8787')).toBe('http://[::1]:8787')
    expect(parseLinkBase('https://bücher.example/x')).toBe('https://xn--bcher-kva.example/x')
  })

  it('refuses a base whose links would differ between clients', () => {
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
  it('work without a gateway, with or without the path of the base', async () => {
    for (const path of ['', '/ai', '/s', '/s/s', '/files']) {
      const at = { base: `${base}${path}/`, keys, now }
      const link = await signUrl(file, at)
      const whole = link.slice(base.length)
      for (const form of [link, whole, whole.slice(path.length)]) {
        expect(await verifyUrl(form, at), form).toMatchObject({ fileId })
      }
      for (const form of [`/x${whole}`, `https://other.example${whole}`, `${whole}/a/b`, '', '/']) {
        await expect(verifyUrl(form, at), form).rejects.toThrow(/not valid/)
      }
    }
  })
})
