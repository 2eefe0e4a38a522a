/** The packages, licences and scripts that an installation of cfile brings. */

import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { licenceFaults, thirdParty } from '../../scripts/licences.ts'
import { billOfMaterials } from '../../scripts/sbom.ts'
import { manifest, root, shippedPackages } from '../../scripts/shipped.ts'

const shipped = shippedPackages()

describe('npm install cfile', () => {
  // npm runs `prepare` for an install from git as well.
  it('runs no script of ours', () => {
    const atInstall = ['preinstall', 'install', 'postinstall', 'prepare']
    expect(Object.keys(manifest.scripts).filter((name) => atInstall.includes(name))).toEqual([])
  })

  it('runs no script of a package that comes with it', () => {
    expect(shipped.length).toBeGreaterThan(5)
    expect(shipped.filter(({ hasInstallScript }) => hasInstallScript)).toEqual([])
  })
})

describe('licences', () => {
  it('ask for no more than their own text to be passed on', () => {
    expect(licenceFaults(shipped)).toEqual([])
  })

  it('are refused where a package declares none, or one that asks for more', () => {
    const packages = [
      { name: 'a', licence: 'MIT' },
      { name: 'b' },
      { name: 'c', licence: 'GPL-3.0-only' },
    ]
    expect(licenceFaults(packages)).toEqual([
      'b has the licence (none declared).',
      'c has the licence GPL-3.0-only.',
    ])
  })

  it('are in THIRD_PARTY.md, which npm run licences writes', () => {
    expect(readFileSync(`${root}/THIRD_PARTY.md`, 'utf8')).toBe(thirdParty(shipped))
  })
})

describe('a workflow', () => {
  it.each(['ci', 'release'])(
    '%s takes actions of others by their commit, which no tag can move',
    (name) => {
      const text = readFileSync(`${root}/.github/workflows/${name}.yml`, 'utf8')
      const used = [...text.matchAll(/uses: ([^.\s]\S+)/g)].map(([, action]) => action)
      expect(used.length).toBeGreaterThan(0)
      for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/)
    },
  )
})

function yamlOf(path: string) {
  return parse(readFileSync(`${root}/.github/${path}`, 'utf8'))
}

describe('a release', () => {
  it('is published with provenance, its licences checked and its packages listed', () => {
    const { jobs } = yamlOf('workflows/release.yml')
    const publish = jobs.publish ?? Object.values(jobs)[0]
    expect(publish.permissions['id-token']).toBe('write')
    const commands = publish.steps.map(({ run = '' }: { run?: string }) => run).join('\n')
    expect(commands).toMatch(/npm publish .*--provenance/)
    expect(commands).toMatch(/npm run .*licences/)
    expect(commands).toMatch(/npm run .*sbom/)
  })

  it('follows a check of what ships for known vulnerabilities', () => {
    expect(JSON.stringify(yamlOf('workflows/ci.yml').jobs.audit)).toContain('npm audit --omit=dev')
  })
})

describe('Dependabot', () => {
  it('looks at every lock file, at the image and at the workflows', () => {
    const { updates } = yamlOf('dependabot.yml')
    const of = (kind: string) =>
      updates.filter((one: { 'package-ecosystem': string }) => one['package-ecosystem'] === kind)
    const locks = globSync('{.,bench,test/**}/package-lock.json', {
      cwd: root,
      exclude: (name) => name === 'node_modules',
    })
    const folders = locks.map((path) => join('/', dirname(path))).sort()
    expect(folders.length).toBeGreaterThan(2)
    expect(of('npm')[0].directories.toSorted()).toEqual(folders)
    expect([of('docker').length, of('github-actions').length]).toEqual([1, 1])
  })
})

describe('npm run sbom', () => {
  it('lists each package that ships, with its licence, hash and address', () => {
    const { specVersion, metadata, components } = JSON.parse(billOfMaterials())
    expect([specVersion, metadata.component.name]).toEqual(['1.5', 'cfile'])
    const names = shipped.filter(({ isInImageOnly }) => !isInImageOnly).map(({ name }) => name)
    expect(components.map(({ name }: { name: string }) => name).sort()).toEqual(names.sort())
    for (const { purl, licenses, hashes } of components) {
      expect(purl).toMatch(/^pkg:npm\//)
      expect(licenses[0].license.id).toBeTypeOf('string')
      expect(hashes[0].alg).toBe('SHA-512')
    }
  })
})
