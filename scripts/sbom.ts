/**
 * `npm run sbom` prints a bill of materials of the npm package: CycloneDX 1.5 in JSON, made by npm from package-lock.json.
 *
 * @module
 */

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockfile, manifest, shippedPackages } from './shipped.ts'

/**
 * Returns the bill of materials as text.
 *
 * @throws Error if npm fails or lists other packages than those that ship
 */
export function billOfMaterials(): string {
  const parent = mkdtempSync(join(tmpdir(), 'cfile-sbom-'))
  try {
    return checked(billAt(parent))
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}

/**
 * `npm sbom --omit=dev` leaves out packages that a development dependency needs too, so npm gets a project without
 * any. npm names the project after its folder.
 */
function billAt(parent: string): string {
  const { name, version, description, license, dependencies } = manifest
  const project = { name, version, description, license, dependencies }
  const { packages } = lockfile
  const shipped = shippedPackages()
    .filter(({ isInImageOnly }) => !isInImageOnly)
    .map(({ path }) => [path, packages[path]])
  const lock = { ...lockfile, packages: { '': project, ...Object.fromEntries(shipped) } }
  const cwd = join(parent, name)
  mkdirSync(cwd)
  writeFileSync(join(cwd, 'package.json'), JSON.stringify(project))
  writeFileSync(join(cwd, 'package-lock.json'), JSON.stringify(lock))
  const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=library', '--package-lock-only']
  return execFileSync('npm', args, { cwd, encoding: 'utf8' })
}

function checked(text: string): string {
  const { components }: { components: { name: string; version: string }[] } = JSON.parse(text)
  const listed = components.map(({ name, version }) => `${name}@${version}`).sort()
  const shipped = shippedPackages()
    .filter(({ isInImageOnly }) => !isInImageOnly)
    .map(({ name, version }) => `${name}@${version}`)
    .sort()
  if (listed.join() === shipped.join()) return text
  throw new Error(`npm lists ${listed.join(', ')}, but ${shipped.join(', ')} ship.`)
}

if (import.meta.main) process.stdout.write(billOfMaterials())
