/**
 * The exports of the package: package.json, the files on disk and the docs name the same things, and every export of the
 * library has a reason.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { routes } from '../scripts/routes.ts'
import { topFiles } from './architecture/house.ts'
import { maskSource } from './architecture/mask.ts'
import { readReexports } from './architecture/statements.ts'

const root = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

interface Manifest {
  readonly bin: Readonly<Record<string, string>>
  readonly files: readonly string[]
  readonly exports: Readonly<Record<string, string | null | Readonly<Record<string, string>>>>
}
const manifest: Manifest = JSON.parse(read('package.json'))
const subpaths = Object.entries(manifest.exports).flatMap(([subpath, target]) =>
  typeof target === 'string' || target === null ? [] : [{ subpath, target }],
)

/** Every export of `src/index.ts` and the reason for it. A name without a reason is not exported. */
const names: Readonly<Record<string, string>> = {
  createApp: 'mounts cfile in an app',
  openApp: 'mounts cfile as the environment says',
  parseEnv: 'reads the settings for openApp',
  createAzureClient: 'asks the upstream without a gateway',
  apiKey: 'signs in with a key',
  clientSecret: 'signs in as an app with its secret',
  clientCertificate: 'signs in as an app with its certificate',
  workloadIdentity: 'signs in as an app with a token that it trusts, from wherever that comes',
  appServiceIdentity: 'signs in as the identity of an App Service or Container App',
  imds: 'signs in as the identity of the machine',
  tokenCredential: 'signs in with what @azure/identity gives, or with a function',
  firstAvailable: 'signs in alike in the cloud and on a desk',
  parseEndpoint: 'reads an endpoint in any form that people paste',
  getCitations: 'lists what an answer cites',
  captureFetch: 'records in an app that calls Azure itself',
  CaptureFetchOptions: 'types a wrapper of captureFetch',
  citationStream: 'lists what a stream cites, while it passes',
  rewriteLinks: 'gives an answer its links in a back end that calls Azure itself',
  rewriteLinkStream: 'does the same to a stream',
  RewriteOptions: 'types what both take',
  contentDisposition: 'names a download that a back end serves itself',
  signUrl: 'makes a link in a back end, for a gateway with the same keys to honour',
  verifyUrl: 'checks such a link',
  parseSigningKeys: 'reads the keys of both from CFILE_SIGNING_KEYS',
  Grant: 'types what signUrl takes and verifyUrl gives',
  LinkSettings: 'types what both take',
  SigningKey: 'is one of the keys, from wherever they come',
  memoryStore: 'is the store for tests, and the reference for a store of one’s own',
  CfileError: 'is what is thrown',
  isCfileError: 'distinguishes an error of cfile from a bug',
  AppOptions: 'types a wrapper of createApp',
  UpstreamOptions: 'types a list of upstreams that is made elsewhere',
  Settings: 'types what parseEnv gives and openApp takes',
  Credential: 'is to be implemented for another way to sign in',
  Citation: 'types what getCitations gives',
  ContainerFileCitation: 'types the citations that have a container',
  ErrorCode: 'types a switch over the code of an error',
  Store: 'is to be implemented for another engine',
  StoreEntry: 'types what Store.list gives',
  Json: 'types what a store holds',
}

describe('package.json', () => {
  it('maps each subpath to the source with the same path', () => {
    for (const { subpath, target } of subpaths) {
      const path = subpath === '.' ? 'index' : subpath.slice('./'.length)
      expect(target, subpath).toEqual({
        '@cfile/source': `./src/${path}.ts`,
        types: `./dist/${path}.d.ts`,
        default: `./dist/${path}.js`,
      })
    }
  })

  it('names no file that does not exist', () => {
    for (const { subpath, target } of subpaths) {
      const [folder = '', ending] = `${target['@cfile/source']}`.split('*')
      const found =
        ending === undefined ? existsSync(new URL(folder, root)) : list(folder).length > 0
      expect(found, `${subpath} has no source`).toBe(true)
    }
    for (const path of Object.values(manifest.bin)) {
      expect(existsSync(new URL(path.replace('./dist/', 'src/').replace(/js$/, 'ts'), root))).toBe(
        true,
      )
    }
  })

  it('exports every entry point and every backend', () => {
    const doors = Object.entries(topFiles)
      .filter(([file, zone]) => zone === 'doors' && list('src/').includes(file))
      .map(([file]) => (file === 'index.ts' ? '.' : `./${file.replace(/\.ts$/, '')}`))
    const binaries = Object.values(manifest.bin).map(
      (path) => `./${path.slice('./dist/'.length, -3)}`,
    )
    const plural = ['stores', 'archives'].filter((folder) => list(`src/${folder}/`).length > 0)
    expect(Object.keys(manifest.exports).sort()).toEqual(
      [
        ...doors.filter((door) => !binaries.includes(door)),
        ...plural.map((folder) => `./${folder}/*`),
        // Used by archives only.
        './archives/lib/*',
        './package.json',
      ].sort(),
    )
  })

  it('packs all files that it refers to', () => {
    const targets = subpaths.flatMap(({ target }) => Object.values(target))
    for (const path of [...targets, ...Object.values(manifest.bin)]) {
      expect(manifest.files, path).toContain(path.split('/')[1])
    }
  })

  it('lets the package import itself by its name, as the examples do', async () => {
    // A variable, so that TypeScript does not resolve the import.
    const name = 'cfile'
    expect(await import(name)).toBe(await import('../src/index.ts'))
  })
})

describe('the library', () => {
  const exported = readReexports(maskSource(read('src/index.ts')))

  it('exports the names of the table and no others', () => {
    expect(exported.map(({ name }) => name).sort()).toEqual(Object.keys(names).sort())
  })

  it('stays small', () => {
    expect(exported.length).toBeLessThanOrEqual(40)
  })

  it('has every value at run time that the types declare', async () => {
    const values = exported.filter(({ typeOnly }) => !typeOnly).map(({ name }) => name)
    expect(Object.keys(await import('../src/index.ts')).sort()).toEqual(values.sort())
  })
})

describe('README and docs/library.md', () => {
  it('names no import that does not exist', () => {
    const named = [
      ...`${read('README.md')}${read('docs/library.md')}`.matchAll(/['"`]cfile\/([\w./-]+)['"`]/g),
    ].map(([, path]) => path)
    for (const path of named) {
      const isThere = subpaths.some(({ subpath }) =>
        subpath.endsWith('*')
          ? `./${path}`.startsWith(subpath.slice(0, -1)) && list('src/').includes(`${path}.ts`)
          : subpath === `./${path}`,
      )
      expect(isThere, `cfile/${path}`).toBe(true)
    }
  })

  it('names every import, every store and every archive', () => {
    const readme = read('docs/library.md')
    for (const { subpath } of subpaths) {
      expect(readme, subpath).toContain(`\`cfile${subpath.slice(1)}\``)
    }
    const parts = ['archive.ts', 'store.ts']
    for (const file of [...list('src/stores/'), ...list('src/archives/')]) {
      if (!parts.includes(file) && !file.startsWith('lib/'))
        expect(readme).toContain(`\`${file.replace(/\.ts$/, '')}\``)
    }
  })

  it('names every route in docs/routes.md', () => {
    const tables = read('docs/routes.md')
    // One row stands for all routes of the OpenAI API.
    const own = routes.filter(({ path }) => !path.startsWith('/openai/'))
    for (const { path } of own) expect(tables).toContain(`\`${path}\``)
  })
})

/** Paths of the sources in a folder, relative to it. */
function list(folder: string): string[] {
  if (!existsSync(new URL(folder, root))) return []
  return readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))
}
