/**
 * The package as it is published: built, packed, installed elsewhere, imported on Node.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, root, run } from '../lib/child.ts'

// Budgets: what a user downloads with `npm install cfile`, in kilobytes on disk, and how many packages come with it.
const installBudget = 13350
const mostDependencies = 6

const bin = (name: string) => join(root, 'node_modules/.bin', name)

async function must(command: string, args: readonly string[], cwd: string): Promise<Ended> {
  const ended = await run(command, args, { cwd })
  if (ended.code !== 0)
    throw new Error(`${command} ${args.join(' ')}:\n${ended.stdout}${ended.stderr}`)
  return ended
}

describe('the package', () => {
  let folder: string
  let tarball: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cfile-package-'))
    await must('npm', ['pack', '--pack-destination', folder], root)
    tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '')
    writeFileSync(join(folder, 'package.json'), '{"type":"module","private":true}')
    await must('npm', ['install', '--no-audit', '--no-fund', '--omit=optional', tarball], folder)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('is one that publint has nothing against', async () => {
    await must(bin('publint'), ['--strict', tarball], root)
  })

  it('has types that every resolution of ESM finds', async () => {
    await must(bin('attw'), [tarball, '--profile', 'esm-only'], root)
  })

  it('gives all its doors, and imports quickly', async () => {
    const program = `
      const started = performance.now()
      const { createApp, getCitations } = await import('cfile')
      const took = performance.now() - started
      const { serve } = await import('cfile/node')
      await Promise.all(['cfile/stores/memory', 'cfile/stores/sqlite', 'cfile/archives/memory'].map((name) => import(name)))
      const running = await serve({ PORT: '0', CFILE_STORE: 'memory:' })
      const { status } = await fetch(running.url + '/healthz')
      await running.close()
      console.log(JSON.stringify({ took, status, types: [typeof createApp, typeof getCitations] }))`
    writeFileSync(join(folder, 'main.js'), program)
    const { stdout } = await must(process.execPath, ['main.js'], folder)
    const { took, status, types } = JSON.parse(stdout)
    process.stdout.write(`import 'cfile': ${Math.round(took)} ms, cold\n`)
    expect({ status, types }).toEqual({ status: 200, types: ['function', 'function'] })
  })

  it('has a binary that runs', async () => {
    const { stdout } = await must(join(folder, 'node_modules/.bin/cfile'), ['--version'], folder)
    const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
    expect(stdout).toBe(`${version}\n`)
  })

  it('stays within its budgets of size and of dependencies', () => {
    const modules = join(folder, 'node_modules')
    const kilobytes = Math.round(sizeOf(modules) / 1024)
    const { dependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
    const names = Object.keys(dependencies)
    process.stdout.write(`npm install cfile: ${kilobytes} KB, dependencies: ${names.join(', ')}\n`)
    expect(kilobytes).toBeLessThanOrEqual(installBudget)
    expect(names.length).toBeLessThanOrEqual(mostDependencies)
  })
})

function sizeOf(path: string): number {
  if (!statSync(path).isDirectory()) return statSync(path).size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}
