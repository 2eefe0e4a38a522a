/**
 * What a Worker weighs: the smaller, the faster a cold one starts.
 */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { run } from './child.ts'

const kilobyte = 1024
// The goal is 45. Each is the figure of its day and ten percent: what is over the goal was found worth its weight.
const budgets = {
  'with every archive': { remote: true, budget: 88 * kilobyte },
  'without those over the network': { remote: false, budget: 81 * kilobyte },
}

/** Bundles as `wrangler deploy` does with the settings of wrangler.toml. */
async function bundle(entry: string, remote = true): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../src/${entry}`, import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    // Nothing of a runtime is left out: an import of `node:` fails here.
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:workers'],
    define: { 'process.env.NODE_ENV': '"production"', CFILE_REMOTE_ARCHIVES: String(remote) },
    logLevel: 'silent',
  })
  return outputFiles[0]?.contents ?? new Uint8Array()
}

describe('the Worker', () => {
  it.each(Object.entries(budgets))(
    'stays within its budget %s, minified and gzipped',
    async (name, { remote, budget }) => {
      const minified = await bundle('workers.ts', remote)
      const gzipped = gzipSync(minified).byteLength
      const [size, gzip, limit] = [minified.byteLength, gzipped, budget].map(
        (bytes) => `${(bytes / kilobyte).toFixed(1)} KB`,
      )
      process.stdout.write(`Worker bundle ${name}: ${size} minified, ${gzip} gzipped of ${limit}\n`)
      expect(new TextDecoder().decode(minified)).toContain('api-key')
      expect(gzipped).toBeLessThanOrEqual(budget)
    },
  )

  it('is measured without Node, whose modules a Worker does not have', async () => {
    await expect(bundle('node.ts')).rejects.toThrow('Could not resolve "node:http"')
  })
})

describe('the package', () => {
  it('brings no more than four others, since everybody installs them with it', () => {
    const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
    expect(Object.keys(JSON.parse(manifest).dependencies)).toEqual([
      '@hono/node-server',
      'aws4fetch',
      'hono',
      'undici',
    ])
  })

  it('is imported on Node in a moment', async () => {
    const program =
      "const t = performance.now(); await import('cfile'); console.log(performance.now() - t)"
    const node = ['--conditions=@cfile/source', '--input-type=module', '--eval', program]
    const { code, stdout } = await run(process.execPath, node)
    expect(code).toBe(0)
    // For information: on a machine that does other things too, a limit would fail for no reason of ours.
    process.stdout.write(
      `import 'cfile', from the sources: ${Math.round(Number(stdout))} ms, cold\n`,
    )
  })
})
