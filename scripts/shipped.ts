/**
 * Lists the packages that reach users: those that npm installs with cfile, and those that only the container image has.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Path of the repository, without a trailing slash. */
export const root: string = dirname(import.meta.dirname)

/** A package that reaches users. */
export interface Shipped {
  readonly name: string
  readonly version: string
  /** Its folder, relative to the repository. */
  readonly path: string
  /** SPDX expression; absent if the package declares none. */
  readonly licence?: string
  readonly hasInstallScript: boolean
  /** Whether only the container image has it. */
  readonly isInImageOnly: boolean
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
}

interface Locked {
  readonly version: string
  readonly license?: string
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
}

/** package.json. */
export const manifest: Manifest = readJson('package.json')

/** package-lock.json. */
export const lockfile: { readonly packages: Readonly<Record<string, Locked>> } =
  readJson('package-lock.json')

// Files that the Dockerfile adds.
const imageOnly = ['redis']

/** Returns all packages that ship, with indirect dependencies, sorted by name. */
export function shippedPackages(): Shipped[] {
  const { packages } = lockfile
  const pathsOf = (names: readonly string[]) => names.map((name) => resolve('', name))
  const inPackage = closure(pathsOf(Object.keys(manifest.dependencies)))
  const paths = closure([...inPackage, ...pathsOf(imageOnly)])
  return [...paths].sort().flatMap((path) => {
    const { version, license, hasInstallScript = false } = packages[path] ?? {}
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    if (version === undefined) return []
    return {
      name,
      version,
      path,
      licence: license,
      hasInstallScript,
      isInImageOnly: !inPackage.has(path),
    }
  })
}

function closure(roots: readonly string[]): Set<string> {
  const paths = new Set(roots)
  // Iterating a set includes entries that are added meanwhile.
  for (const path of paths) {
    for (const name of Object.keys(lockfile.packages[path]?.dependencies ?? {})) {
      paths.add(resolve(path, name))
    }
  }
  return paths
}

/** Resolves a dependency as Node does: in the package's own `node_modules`, else in those of the folders above. */
function resolve(from: string, name: string): string {
  const path = `${from === '' ? '' : `${from}/`}node_modules/${name}`
  if (lockfile.packages[path] !== undefined) return path
  if (from === '') throw new Error(`package-lock.json has no ${path}: run npm install.`)
  return resolve(from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name)
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(`${root}/${path}`, 'utf8'))
}
