import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PreviewedFile } from '../../src/gateway/containers/describe.ts'
import { type ContainerPage, containerPage } from '../../src/page/container-page.ts'
import { rounds } from '../lib/rounds.ts'

const now = 1_790_000_000
const file: PreviewedFile = {
  container_id: 'cntr_1',
  file_id: 'cfile_1',
  filename: 'chart.png',
  path: '/mnt/data/chart.png',
  bytes: 2171,
  created_at: now,
  source: 'assistant',
  kind: 'Picture',
  archived: false,
  download_url: 'https://files.example.com/a',
  expires_at: now + 600,
}
const page = (files: readonly PreviewedFile[], more: Partial<ContainerPage> = {}) =>
  String(
    containerPage({
      containerId: 'cntr_1',
      files,
      zipUrl: 'https://files.example.com/z',
      now,
      isExpired: false,
      linksEndAt: now + 600,
      nonce: 'n',
      ...more,
    }),
  )
const hostile = fc.string({ unit: fc.constantFrom(...`<>"'&=/ ax,;\n`) })

describe('the page of a container', () => {
  it('escapes any name and folder that the code interpreter chose', () => {
    const tags = (text: string) => text.match(/<[a-z!/][^>]*>/gi)?.length
    const of = (name: string) =>
      page([{ ...file, filename: name, path: `/mnt/data/a/${name.replaceAll('/', '')}` }])
    fc.assert(
      fc.property(hostile, (name) => {
        expect(tags(of(name))).toBe(tags(of('')))
      }),
      { numRuns: rounds(200), seed: 7 },
    )
  })

  it('renders no text of a file as markup, in lines or in cells', () => {
    const allowed =
      /^<\/?(?:table|thead|tbody|tr|th scope="col"|td|pre[^<>]*|p class="dim"|div[^<>]*)>$/
    fc.assert(
      fc.property(hostile, fc.constantFrom('Table', 'Text'), (text, kind) => {
        const picture = page([{ ...file, kind, start: { text: `<b>${text}`, isWhole: true } }])
        const [, preview = ''] = /<\/summary>([\s\S]*)<\/details>/.exec(picture) ?? []
        for (const [tag] of preview.matchAll(/<[^>]*>/g)) expect(tag).toMatch(allowed)
      }),
      { numRuns: rounds(200), seed: 7 },
    )
  })

  it('shows a picture, the rows of a table and the lines of a text', () => {
    const text = (kind: 'Table' | 'Text', text: string) =>
      page([{ ...file, kind, start: { text, isWhole: true } }])
    expect(page([{ ...file, view_url: 'https://files.example.com/p' }])).toContain(
      '<img src="https://files.example.com/p" alt="chart.png"',
    )
    expect(text('Table', 'a,b\n1,"<i>"\n')).toContain(
      '<th scope="col">a<th scope="col">b<tbody><tr><td>1<td>&lt;i&gt;',
    )
    expect(text('Text', 'one\ntwo\u0007')).toContain('\none\ntwo\ufffd</pre>')
    expect(text('Text', '')).toContain('The file is empty.')
  })

  it('shows fifty rows and forty lines at most, and says that there are more', () => {
    const lines = Array.from({ length: 60 }, (_, index) => `line ${index}`).join('\n')
    const rows = page([{ ...file, kind: 'Table', start: { text: lines, isWhole: true } }])
    expect(rows).toContain('First 50 rows.')
    expect(rows.match(/<tr>/g)).toHaveLength(51)
    const text = page([{ ...file, kind: 'Text', start: { text: lines, isWhole: true } }])
    expect(text).toContain('First 40 lines.')
    expect(text).toContain('line 39</pre>')
    const long = page([{ ...file, kind: 'Text', start: { text: 'x'.repeat(9999), isWhole: true } }])
    expect(long).toContain(`\n${'x'.repeat(400)}…</pre>`)
  })

  it('opens the previews of a few files, and leaves those of many closed', () => {
    const picture = { ...file, view_url: 'https://files.example.com/p' }
    expect(page([picture])).toContain('<details open>')
    expect(page(Array.from({ length: 9 }, () => picture))).not.toContain('<details open>')
  })

  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '1.0 KB'],
    [2171, '2.2 KB'],
    [999_499, '999 KB'],
    [999_999, '1.0 MB'],
    [12_345_678, '12 MB'],
    [2_000_000_000, '2.0 GB'],
  ])('writes %i bytes as a person would', (bytes, text) => {
    expect(page([{ ...file, bytes }])).toContain(`<span class="size">${text}<`)
  })

  it('says when the container, the links and the copies end', () => {
    const text = (more: Partial<ContainerPage>, files = [file]) =>
      page(files, more)
        .replaceAll(/<\/?(?:time|dd|dt|div)[^>]*>/g, ' ')
        .replaceAll(/ +/g, ' ')
    expect(text({ life: { expiresAt: now + 1500, isProlongedByUse: false } })).toContain(
      'ends 2026-09-21 14:38 UTC (25 minutes left), at the latest, earlier if nobody uses it',
    )
    expect(text({ life: { expiresAt: now + 20, isProlongedByUse: true } })).toContain(
      '(1 minute left), later if somebody uses it',
    )
    expect(
      text({ isExpired: true, life: { expiresAt: now + 20, isProlongedByUse: false } }),
    ).toContain('gone; these files are copies')
    expect(text({})).toContain('Links work until 2026-09-21 14:23 UTC')
    expect(text({})).toContain('none are kept')
    expect(text({ copyTtl: 0 }, [{ ...file, archived: true }])).toContain('1 of 1 kept')
    expect(text({ copyTtl: 86_400 }, [{ ...file, archived: true }])).toContain(
      'kept until 2026-09-22 14:13 UTC',
    )
  })

  it('is still a page if the upstream sends absurd times and paths', () => {
    expect(page([{ ...file, created_at: Number.MAX_SAFE_INTEGER, path: '' }])).toContain('1 file')
  })

  it('shows no size of the zip if the size of a file is unknown', () => {
    expect(page([file, { ...file, bytes: 1000 }])).toContain('.zip, 3.2 KB)')
    expect(page([file, { ...file, bytes: null }])).toContain('.zip, size unknown)')
  })

  it('offers no zip of nothing', () => {
    expect(page([])).not.toContain('.zip')
    expect(page([])).toContain('no files here yet')
  })
})
