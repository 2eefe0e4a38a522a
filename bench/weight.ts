/** Measures sizes, start times, and the cost of checking a signed link. */

import { execFileSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { workerBuild } from '../scripts/bundle.ts'
import { createSigner } from '../src/core/links/signer.ts'
import { nodeHmac } from '../src/node-http/hmac.ts'
import { spreadOf, table } from './measure.ts'
import { root } from './process.ts'

export async function weightTable(): Promise<string> {
  const { outputFiles } = await build({ ...workerBuild(), write: false })
  const bundle = gzipSync(outputFiles[0]?.contents ?? new Uint8Array()).byteLength / 1024
  const cold: Record<'own' | 'hono', number[]> = { own: [], hono: [] }
  for (let round = 0; round < 21; round += 1) {
    cold.own.push(coldImport(`${root}dist/index.js`))
    cold.hono.push(coldImport('hono'))
  }
  const check = await linkCheck()
  return table(
    ['what', 'figure'],
    [
      ['Worker bundle, minified and gzipped', `${bundle.toFixed(1)} KB`],
      [
        "cold `import 'cfile'` on Node, published; without Node's own start",
        `${spreadOf(cold.own).median.toFixed(0)} ms`,
      ],
      ["`import 'hono'` alone, by turns with it", `${spreadOf(cold.hono).median.toFixed(0)} ms`],
      ['check of a signed link', `${check.toFixed(1)} µs`],
    ],
  )
}

/** Returns the milliseconds that an import takes in a new process, without the start of Node itself. */
function coldImport(specifier: string): number {
  const script = `const t = performance.now(); await import(${JSON.stringify(specifier)}); console.log(performance.now() - t)`
  return Number(
    execFileSync(`${root}node_modules/.bin/node`, ['--input-type=module', '-e', script], {
      cwd: root,
      encoding: 'utf8',
    }),
  )
}

async function linkCheck(): Promise<number> {
  const signer = createSigner([{ kid: 'a', secret: new Uint8Array(32) }], nodeHmac)
  const base = 'https://files.example.com'
  const link = await signer.sign(base, {
    kind: 'file',
    fileId: `cfile_${'a'.repeat(32)}`,
    containerId: `cntr_${'b'.repeat(48)}`,
    filename: 'Umsätze 2026.xlsx',
    upstream: 'default',
    owner: 'c'.repeat(32),
    expiresAt: 2_000_000_000,
  })
  const [, token = ''] = /\/s\/([^/]+)/.exec(link) ?? []
  const rounds = Array.from({ length: 9 }, async () => 0)
  const figures: number[] = []
  for (const _ of rounds) {
    const start = performance.now()
    for (let i = 0; i < 5000; i += 1) await signer.verify(token, 1_900_000_000)
    figures.push(((performance.now() - start) * 1000) / 5000)
  }
  return spreadOf(figures).median
}
