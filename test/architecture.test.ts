/**
 * Checks the architecture: which file imports which, and which globals are forbidden below the app. The table is in
 * `architecture/house.ts`.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { allowances } from './architecture/house.ts'
import { maskSource } from './architecture/mask.ts'
import { findOffences, type Sources } from './architecture/rules.ts'

const src = new URL('../src/', import.meta.url)

function readSources(): Sources {
  const paths = readdirSync(src, { recursive: true, encoding: 'utf8' })
  return Object.fromEntries(
    paths
      .map((path) => path.replaceAll('\\', '/'))
      // Ambient declarations contain no code.
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
      .sort()
      .map((path) => [path, readFileSync(new URL(path, src), 'utf8')]),
  )
}

describe('the sources', () => {
  it('keep every rule of the architecture', () => {
    const sources = readSources()
    expect(Object.keys(sources)).toContain('app.ts')
    expect(findOffences(sources, allowances)).toEqual([])
  })
})

/** A small tree that keeps every rule, with some files replaced or added. */
function house(changed: Sources = {}): Sources {
  return {
    'core/ids.ts': 'export type Id = string\nexport const id: Id = "x"\n',
    'azure/client.ts': "import { id } from '../core/ids.ts'\nexport type Client = typeof id\n",
    'stores/store.ts': 'export interface Store {}\n',
    'stores/memory.ts': "import type { Store } from './store.ts'\nexport type M = Store\n",
    'stores/sqlite.ts':
      "import { open } from 'node:sqlite'\nexport const s = open(process.cwd())\n",
    'gateway/locate.ts':
      "import type { Client } from '../azure/client.ts'\nexport type L = Client\n",
    'routes/files.ts': "import { Hono } from 'hono'\nexport const files = new Hono()\n",
    'options.ts': "import * as z from 'zod/mini'\nexport const o = z\n",
    'app.ts':
      "import { files } from './routes/files.ts'\nexport const now = Date.now\nexport { files }\n",
    'start/settings/settings.ts': 'export const settings = 1\n',
    'node.ts':
      "import { now } from './app.ts'\nimport './emulator/emulator.ts'\nexport const started = [now, process.pid, console]\n",
    'workers.ts': 'export default {}\n',
    'cli.ts': "import './cli/serve.ts'\nimport './node.ts'\n",
    'cli/serve.ts': "import { started } from '../node.ts'\nconsole.log(started)\n",
    'emulator/emulator.ts': "import { Hono } from 'hono'\nexport const e = new Hono()\n",
    ...changed,
  }
}

const offences = (path: string, source: string): string[] => findOffences(house({ [path]: source }))

describe('the checker', () => {
  it('reports nothing for a tree that keeps the rules', () => {
    expect(findOffences(house())).toEqual([])
  })

  // Each row: a file, its source, and the expected offence.
  const imports = [
    [
      'core/a.ts',
      "import { now } from '../app.ts'",
      "'../app.ts': core may import nothing from app",
    ],
    [
      'core/a.ts',
      "\n\nimport type { Client } from '../azure/client.ts'",
      'core may import nothing from azure',
    ],
    ['core/a.ts', "export { now } from '../app.ts'", 'core may import nothing from app'],
    ['core/a.ts', "export * from '../app.ts'", 'core may import nothing from app'],
    ['core/a.ts', "export const a = () => import('../app.ts')", 'core may import nothing from app'],
    ['core/a.ts', "export type A = typeof import('../app.ts')", 'core may import nothing from app'],
    ['core/a.ts', "import {\n  now,\n} from '../app.ts'", 'core may import nothing from app'],
    [
      'core/a.ts',
      'export const a = (x: string) => import(x)',
      "import 'undefined': is not a literal",
    ],
    ['core/a.ts', "import { Hono } from 'hono'", "'hono': core may not import this package"],
    ['azure/a.ts', "import '../gateway/locate.ts'", 'azure may import nothing from gateway'],
    [
      'stores/a.ts',
      "import { m } from './memory.ts'",
      'stores may import from stores only stores/store.ts',
    ],
    ['stores/a.ts', "import { open } from 'node:sqlite'", 'stores may not import this package'],
    [
      'gateway/a.ts',
      "import { c } from '../azure/client.ts'",
      'gateway may import only types from azure',
    ],
    ['gateway/a.ts', "import { type Client } from '../azure/client.ts'", 'only types from azure'],
    ['gateway/a.ts', "import { m } from '../stores/memory.ts'", 'only types from stores'],
    ['gateway/a.ts', "import type { Context } from 'hono'", 'gateway may not import this package'],
    [
      'gateway/a.ts',
      "import { files } from '../routes/files.ts'",
      'gateway may import nothing from routes',
    ],
    [
      'routes/a.ts',
      "import { c } from '../azure/client.ts'",
      'routes may import only types from azure',
    ],
    [
      'routes/a.ts',
      "import { connect } from 'cloudflare:sockets'",
      'routes may not import this package',
    ],
    ['page/a.ts', "import '../routes/files.ts'", 'page may import nothing from routes'],
    ['options.ts', "import { z } from 'zod'", "'zod': app may not import this package"],
    ['options.ts', "import '../stores/memory.ts'", "'../stores/memory.ts': does not exist"],
    [
      'options.ts',
      "import { s } from './stores/sqlite.ts'",
      'only stores/memory.ts in any file, and types',
    ],
    [
      'app.ts',
      "import { e } from './emulator/emulator.ts'",
      'app may import nothing from emulator',
    ],
    ['app.ts', "import './node.ts'", 'app may import nothing from doors'],
    ['workers.ts', "import './node.ts'", 'doors may import from doors only node.ts in cli.ts'],
    ['workers.ts', "import './gateway/locate.ts'", 'doors may import nothing from gateway'],
    [
      'cli/a.ts',
      "import '../cli.ts'",
      'cli may import from doors only node.ts, bun.ts, deno.ts in any file',
    ],
    [
      'emulator/a.ts',
      "import type { Id } from '../core/ids.ts'",
      'emulator may import nothing from core',
    ],
    ['emulator/a.ts', "import type { A } from 'openai'", 'emulator may not import this package'],
    ['core/a.ts', "import { id } from './ids.js'", "'./ids.js': does not end in .ts"],
    ['core/a.ts', "import { id } from './ids'", "'./ids': does not end in .ts"],
    ['core/a.ts', "import { id } from './idz.ts'", "'./idz.ts': does not exist"],
    ['core/a.ts', "import { id } from '../../test/ids.ts'", 'does not exist'],
    ['core/a.ts', "import { createApp } from 'cfile'", 'core may not import this package'],
  ] as const
  it.each(imports)('finds in %s: %j', (path, source, message) => {
    const line = source.match(/^\n*/)?.[0].length ?? 0
    const found = offences(path, source).filter((line) => !line.includes('an import cycle'))
    expect(found).toEqual([expect.stringContaining(`src/${path}:${line + 1} import '`)])
    expect(found[0]).toContain(message)
  })

  const uses = [
    ['azure/a.ts', 'export const a = fetch("/")', 'fetch: is an argument'],
    ['azure/a.ts', 'export const a = options.fetch ?? fetch', 'fetch: is an argument'],
    ['azure/a.ts', 'export const a = create({ fetch })', 'fetch: is an argument'],
    ['azure/a.ts', 'export const a = x ? fetch("/") : fetch', 'fetch: is an argument'],
    ['azure/a.ts', 'const { fetch } = o\nexport function a(): void {\n  fetch("/")\n}', 'fetch'],
    ['azure/a.ts', 'export const a = globalThis.fetch("/")', 'globalThis: is an argument'],
    ['azure/a.ts', `export const a = \`\${fetch("/")}\``, 'fetch: is an argument'],
    ['core/a.ts', 'export const a = Date.now()', 'Date.now: is an argument'],
    ['core/a.ts', 'export const a = new Date().getTime()', 'new Date: is an argument'],
    ['core/a.ts', 'export const a = Math.random()', 'Math.random: is an argument'],
    ['gateway/a.ts', 'export const a = crypto.randomUUID()', 'crypto.randomUUID: is an argument'],
    ['gateway/a.ts', 'setTimeout(() => {}, 1)', 'setTimeout: is an argument'],
    [
      'routes/a.ts',
      'export const a = AbortSignal.timeout(1)',
      'AbortSignal.timeout: is an argument',
    ],
    ['app.ts', 'export const a = process.env.HOST', 'process: is not available in app'],
    ['core/a.ts', 'export const a = [Bun]', 'Bun: is not available in core'],
    ['core/a.ts', 'export const a = Deno.env', 'Deno: is not available in core'],
    ['core/a.ts', 'export const a = Buffer.from("")', 'Buffer: is not available in core'],
    ['app.ts', 'console.log(1)', 'console: only doors and cli write'],
  ] as const
  it.each(uses)('finds in %s: %j', (path, source, message) => {
    expect(offences(path, source)).toContainEqual(expect.stringContaining(message))
  })

  const innocent = [
    ['azure/a.ts', '// fetch(url)\nexport const a = "fetch(1)" /* Date.now() */'],
    ['azure/a.ts', `export const a = \`fetch(\${1}) Date.now()\`.replace(/fetch("\`/g, "")`],
    ['azure/a.ts', 'export const a = options.fetch("/")'],
    ['azure/a.ts', 'export interface A {\n  readonly a: string\n  fetch(url: string): void\n}'],
    ['azure/a.ts', 'export interface A {\n  readonly fetch?: typeof fetch\n}'],
    ['azure/a.ts', 'export function a(o: O): void {\n  const { fetch, b } = o\n  fetch(b)\n}'],
    [
      'azure/a.ts',
      'export function a(fetch: typeof globalThis.fetch): F {\n  return (b) => fetch(b)\n}',
    ],
    ['azure/a.ts', 'export function a({ b, fetch }: O): void {\n  fetch(b)\n}'],
    ['azure/a.ts', 'export const a = ({ fetch }: O) => fetch(1)'],
    ['azure/a.ts', 'export const a = (b: string, fetch: F) => fetch(b)'],
    ['core/a.ts', 'export const a = new Date(1000).toISOString()'],
    ['core/a.ts', 'const any = 1\nexport const a = any ? 1 : 2'],
    ['core/a.ts', 'export const a = \'import { x } from "../app.ts"\''],
  ] as const
  it.each(innocent)('allows %s to contain: %j', (path, source) => {
    expect(offences(path, source)).toEqual([])
  })

  it.each([
    'export const a = (x: any) => x',
    'export const a = (): any => 1',
    'export const a = x as any',
    'export type A = Promise<any>',
    'export type A = Record<string, any>',
    'export type A = any[] | string',
    'export type A = () => any',
    'export const a: any = 1',
  ])('finds the type any: %s', (source) => {
    expect(offences('core/a.ts', source).join()).toMatch(/^src\/core\/a\.ts:1 any: /)
  })

  it.each([
    ['core/a.ts', 'const kept = new Map()'],
    ['gateway/a.ts', 'export let count = 0'],
    ['routes/a.ts', 'const seen: Set<string> = new Set()'],
  ])('finds state in a module: %s, %s', (path, source) => {
    expect(offences(path, source).join()).toContain('module state')
  })

  it.each([
    'const names = new Set(["a"])',
    'export function a() {\n  let b = 1\n  return new Map([[b, b]])\n}',
  ])('does not treat a constant as state: %s', (source) => {
    expect(offences('core/a.ts', source)).toEqual([])
  })

  it.each([
    'const a = x as unknown as Row',
    'const a = JSON.parse(text) as Row',
    'const a = (await answer.json()) as Row',
  ])('finds a cast of data from outside: %s', (source) => {
    expect(offences('gateway/a.ts', source).join()).toContain('cast of data from outside')
  })

  it('finds an import against the direction of the rooms, and an unknown room', () => {
    const more = {
      'gateway/owners/a.ts': "import '../proxy/b.ts'\n",
      'gateway/proxy/b.ts': 'export const b = 1\n',
    }
    expect(findOffences(house(more))).toEqual([
      "src/gateway/owners/a.ts:1 import '../proxy/b.ts': gateway/owners comes after gateway/proxy",
    ])
    expect(offences('gateway/attic/a.ts', '').join()).toContain('a room that is not listed')
    const nested = {
      'core/rewrite/a.ts': "import './stream/b.ts'\n",
      'core/rewrite/stream/b.ts': '',
    }
    expect(findOffences(house(nested)).join()).toContain(
      'core/rewrite comes after core/rewrite/stream',
    )
  })

  it.each(['core/json', 'gateway/proxy/answers'])(
    'finds a ninth file in a folder: %s',
    (folder) => {
      const files = (count: number): Sources =>
        Object.fromEntries(Array.from({ length: count }, (_, at) => [`${folder}/${at}.ts`, '']))
      expect(findOffences(house(files(8)))).toEqual([])
      expect(findOffences(house(files(9)))).toEqual([`src/${folder}:1 holds 9 files, more than 8`])
    },
  )

  it('finds a default export, except in the Worker', () => {
    expect(offences('core/a.ts', '\nexport default 1')).toEqual([
      'src/core/a.ts:2 default export: give it a name',
    ])
    expect(offences('core/a.ts', 'const a = 1\nexport { a as default }')).toHaveLength(1)
  })

  it('finds an import cycle, also of types only', () => {
    const found = findOffences(
      house({
        'core/a.ts': "import type { B } from './b.ts'\nexport type A = B",
        'core/b.ts': "// b\nimport type { A } from './a.ts'\nexport type B = A",
      }),
    )
    expect(found).toEqual([
      "src/core/a.ts:1 import './b.ts': an import cycle, core/a.ts → core/b.ts → core/a.ts",
    ])
  })

  it('finds an unknown folder and an unknown top-level file', () => {
    expect(offences('helpers/a.ts', '')).toEqual([
      'src/helpers/a.ts:1 has no row in the import table',
    ])
    expect(offences('misc.ts', '')).toHaveLength(1)
    expect(offences('app/a.ts', '')).toHaveLength(1)
  })

  it('finds a file that is too long', () => {
    expect(offences('core/a.ts', 'export {}\n'.repeat(300))).toEqual([])
    expect(offences('core/a.ts', 'export {}\n'.repeat(301))).toEqual([
      'src/core/a.ts:301 has 301 lines, more than 300',
    ])
  })

  it('respects an exception, and finds one that is no longer needed', () => {
    const allowance = { file: 'core/a.ts', use: 'Date.now', reason: 'a test' }
    expect(
      findOffences(house({ 'core/a.ts': 'export const a = Date.now()' }), [allowance]),
    ).toEqual([])
    expect(findOffences(house({ 'core/a.ts': '' }), [allowance])).toEqual([
      'src/core/a.ts:1 Date.now: is allowed but not used any more',
    ])
  })

  it('is not confused by a slash or a quote in a regular expression', () => {
    const masked = maskSource(
      `const a = b / 2 // '\nconst c = /['"/]/.test(\`\${a /* } */}\`)\nfetch()`,
    )
    expect(masked.split('\n')).toEqual([
      'const a = b / 2     ',
      `const c = /     /.test(\`\${a        }\`)`,
      'fetch()',
    ])
    expect(maskSource("#!/usr/bin/env node '\n'a'")).toBe(`${' '.repeat(21)}\n' '`)
  })

  it('fails for a literal that does not end', () => {
    for (const source of ["\nconst a = 'b\n", '\nconst a = `b', '\n/* b', '\nconst a = `${b']) {
      expect(() => maskSource(source)).toThrow('What begins at line 2 does not end.')
    }
  })
})
