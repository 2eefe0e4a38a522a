/** README and docs say what is true: links lead somewhere, names exist, and what can be run is run. */

import { describe, expect, it } from 'vitest'
import { CfileError } from '../../src/index.ts'
import { exists, list, read } from '../deploy/files.ts'
import { errorCodes, metrics, settings } from '../deploy/names.ts'
import { blocksOf, pages, runnable, settingsOf } from './blocks.ts'

const written = [
  ...pages,
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'examples/README.md',
]

const sources = [...list('src', '.ts'), ...list('scripts', '.ts'), ...list('examples', 'main.ts')]

describe.each(pages)('%s', (page) => {
  it('has a runner for each code block, or says why it is not run', () => {
    const blocks = blocksOf(page)
    // A fence that this test does not understand would be skipped.
    expect(read(page).match(/^```/gm)?.length ?? 0).toBe(blocks.length * 2)
    for (const { line, language, reason } of blocks) {
      if (reason === undefined) expect(runnable, `line ${line}`).toContain(language)
    }
  })

  it('names no setting that cfile does not read', () => {
    const named = read(page).match(/\bCFILE_[A-Z0-9_]+[A-Z0-9]\b(?!_)/g) ?? []
    // An output of azd, and what Kubernetes would set.
    const others = ['CFILE_PORT']
    expect(named.filter((name) => !settings.has(name) && !others.includes(name))).toEqual([])
    expect(Object.keys(settingsOf(page)).filter((name) => !settings.has(name))).toEqual([])
  })

  it('names no metric that cfile does not have', () => {
    const named = read(page).match(/\bcfile_[a-z_]+_(?:total|seconds|flight|pending)\b/g) ?? []
    const renamed = page === 'docs/upgrading.md' ? ['cfile_downloads_in_flight'] : []
    expect(named.filter((name) => !(name in metrics) && !renamed.includes(name))).toEqual([])
  })
})

describe.each(written)('%s', (page) => {
  it('links to no file and no heading that does not exist', () => {
    const folder = page.includes('/') ? page.slice(0, page.lastIndexOf('/') + 1) : ''
    const prose = read(page)
      .replace(/^```[\s\S]*?^```$/gm, '')
      .replace(/`[^`\n]*`/g, '')
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : new URL(path, `file:///${folder}`).pathname.slice(1)
      expect(exists(file), target).toBe(true)
      if (anchor !== undefined) expect(anchorsOf(file), target).toContain(anchor)
    }
  })

  it('names no file of the project that does not exist', () => {
    const text = read(page)
    const named = [
      ...text.matchAll(/`((?:[\w.-]+\/)*\w[\w.-]*\.ts|(?:src|test|scripts|docs)\/[\w./-]*)`/g),
    ]
    const paths = named.map(([, path = '']) => path).filter((path) => !/\bexample\b/.test(path))
    expect(paths.filter((path) => !names(path))).toEqual([])
    // The text of a link such as `[route.ts](src/gateway/proxy/route.ts)` names the file that it leads to.
    for (const [link, label = '', target] of text.matchAll(/\[([\w./-]+\.ts)\]\(([^)#\s]+)\)/g)) {
      expect(`/${target}`.endsWith(`/${label}`), link).toBe(true)
    }
  })

  it('never fetch cfile from npm, where it is not published', () => {
    const fetched = /(?:^|[^`\w])(?:npx|bunx|npm:|npm (?:i|install)) ?cfile\b/m
    expect(read(page).replace(/`npx cfile` or `npm install cfile` would/, '')).not.toMatch(fetched)
    expect(read(page)).not.toMatch(/\b(?:bunx cfile|npx cfile (?:serve|doctor|get)|npm:cfile)/)
  })
})

describe('docs/troubleshooting.md', () => {
  it('has a row for each error code, with its status', () => {
    const rows = [...read('docs/troubleshooting.md').matchAll(/^\| ((?:`\w+` *)+)\| (\d{3}) /gm)]
    const found = rows.flatMap(([, codes = '', status]) =>
      [...codes.matchAll(/`(\w+)`/g)].map(([, code]) => [code, Number(status)]),
    )
    expect(Object.fromEntries(found)).toEqual(errorCodes)
    for (const [code, status] of Object.entries(errorCodes)) {
      expect(new CfileError(code as keyof typeof errorCodes, '').status, code).toBe(status)
    }
  })
})

describe('docs/README.md', () => {
  it('leads to every page', () => {
    const index = read('docs/README.md')
    for (const page of pages.filter(
      (path) => path.startsWith('docs/') && path !== 'docs/README.md',
    )) {
      expect(index).toContain(`(${page.slice('docs/'.length)})`)
    }
  })
})

/** Whether a path, or the end of one, is that of a file or folder of the project. */
function names(path: string): boolean {
  return exists(path) || sources.some((source) => `/${source}`.endsWith(`/${path}`))
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(path: string): string[] {
  return [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replace(/\s/g, '-'),
  )
}
