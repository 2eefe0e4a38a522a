/**
 * The published package: built, packed, installed in another folder, imported on Node.
 */

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, root, run } from '../lib/child.ts'

// Budgets: what a user downloads with `npm install cfile`, in kilobytes on disk, and how many packages come with it.
const installBudget = 13350
const mostDependencies = 7

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

  it('passes publint', async () => {
    await must(bin('publint'), ['--strict', tarball], root)
  })

  it('has types for every module resolution of ESM', async () => {
    await must(bin('attw'), [tarball, '--profile', 'esm-only'], root)
  })

  describe('compiles for a consumer with skipLibCheck off', () => {
    const compilers = {
      'TypeScript 7': [bin('tsc')],
      'TypeScript 5.9': [
        process.execPath,
        join(root, 'test/e2e/node_modules/typescript-5/bin/tsc'),
      ],
    }
    const resolutions = { node16: 'node16', nodenext: 'nodenext', bundler: 'esnext' }
    const platforms = {
      'Node, without the DOM library': { lib: ['ES2023'], types: ['node'] },
      'Node, with the DOM library': { lib: ['ES2023', 'DOM'], types: ['node'] },
      Workers: { lib: ['ES2023'], types: ['@cloudflare/workers-types'] },
    }
    // Apart from the package, whose size is measured.
    let consumer: string
    beforeAll(async () => {
      consumer = join(folder, 'consumer')
      mkdirSync(consumer)
      writeFileSync(join(consumer, 'package.json'), '{"type":"module","private":true}')
      const { devDependencies: dev } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
      const names = ['@types/node', '@cloudflare/workers-types']
      const pinned = names.map((name) => `${name}@${dev[name]}`)
      await must('npm', ['install', '--no-audit', '--no-fund', ...pinned], consumer)
      for (const [platform, doors] of [
        ['node', doorsOf(folder, /./)],
        ['workers', doorsOf(folder, /^(?!.*(?:node|bun|deno|sqlite|fs)$)/)],
      ] as const) {
        const imports = doors.map((door, index) => `import * as door${index} from '${door}'`)
        const names = doors.map((_, index) => `door${index}`).join(', ')
        const text = `${imports.join('\n')}\nexport const doors = [${names}]\n`
        writeFileSync(join(consumer, `${platform}.ts`), text)
      }
    })

    it.each(
      Object.entries(platforms).flatMap(([platform, options]) =>
        Object.keys(resolutions).flatMap((resolution) =>
          Object.keys(compilers).map((compiler) => ({ platform, options, resolution, compiler })),
        ),
      ),
    )('$compiler, $resolution, $platform', async ({ platform, options, resolution, compiler }) => {
      const [command = '', ...args] = compilers[compiler as keyof typeof compilers]
      const config = {
        compilerOptions: {
          ...options,
          target: 'ES2023',
          module: resolutions[resolution as keyof typeof resolutions],
          moduleResolution: resolution,
          strict: true,
          skipLibCheck: false,
          noEmit: true,
        },
        files: [platform === 'Workers' ? 'workers.ts' : 'node.ts'],
      }
      writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify(config))
      await must(command, [...args, '-p', 'tsconfig.json'], consumer)
    })
  })

  it('exports all its doors, and imports quickly', async () => {
    const program = `
      const started = performance.now()
      const { createApp, getCitations } = await import('cfile')
      const took = performance.now() - started
      const { serve } = await import('cfile/node')
      await Promise.all(['cfile/stores/memory', 'cfile/stores/sqlite', 'cfile/archives/memory'].map((name) => import(name)))
      const running = await serve({ PORT: '0', CFILE_STORE: 'memory:', LOG_LEVEL: 'silent' })
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

/** Everything that the installed package lets a consumer import. */
function doorsOf(folder: string, wanted: RegExp): string[] {
  const home = join(folder, 'node_modules/cfile')
  const { exports } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  const doors = Object.keys(exports).flatMap((key) => {
    if (exports[key] === null || key.endsWith('.json')) return []
    if (!key.endsWith('/*')) return [`cfile${key.slice(1)}`]
    const group = key.slice(2, -2)
    const files = readdirSync(join(home, 'dist', group)).filter((file) => file.endsWith('.js'))
    return files.map((file) => `cfile/${group}/${file.slice(0, -3)}`)
  })
  return doors.filter((door) => wanted.test(door))
}

function sizeOf(path: string): number {
  if (!statSync(path).isDirectory()) return statSync(path).size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}
