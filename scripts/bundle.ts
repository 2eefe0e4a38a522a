/**
 * Bundles the sources with esbuild, for the package (`npm run build`) and for a Worker.
 *
 * @module
 */

import { readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'

const absWorkingDir = dirname(import.meta.dirname)
const manifest = JSON.parse(readFileSync(`${absWorkingDir}/package.json`, 'utf8'))
// A subpath that is closed to importers has no target.
const targets: readonly ({ readonly '@cfile/source'?: string } | null)[] = Object.values(
  manifest.exports,
)
const doors = targets.flatMap((target) => target?.['@cfile/source'] ?? [])

// Each loads some thirty files or more by its own entry, and only a part of their code is needed.
const bundled = ['hono', 'zod']

/** Everything that an installation brings, except what is bundled, and the modules of the runtimes. */
const externals = [
  ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(
    (name) => !bundled.includes(name),
  ),
  'node:*',
  'bun:*',
  'bun',
  'cloudflare:*',
]

/**
 * Adds an import of `cfile` to every store and archive. esbuild makes a chunk for each set of entries that share code, and
 * without this import `cfile` would be spread over three times as many files. It imports nothing by name, so it only
 * decides which chunks are made, and whoever uses a store uses `cfile` as well.
 */
const fewChunks: Plugin = {
  name: 'few-chunks',
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/(?:archives|stores)\/[\w-]+\.ts$/ }, ({ path }) => ({
      contents: `${readFileSync(path, 'utf8')}\nimport '../index.ts'`,
      loader: 'ts',
    }))
  },
}

/**
 * The published package: one file for each entry in `exports` and for the CLI. `chunks/` holds the code that they share.
 * It is bundled because Node needs about a millisecond for each source file.
 */
export const packageBuild: BuildOptions = {
  absWorkingDir,
  entryPoints: [...doors, './src/cli.ts'],
  outdir: 'dist',
  outbase: 'src',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  external: externals,
  plugins: [fewChunks],
  logOverride: { 'ignored-bare-import': 'silent' },
  format: 'esm',
  // A third fewer bytes to compile at each start. Names stay, so that stack traces can be read; the sources are shipped too.
  minifyWhitespace: true,
  minifySyntax: true,
  platform: 'neutral',
  // As in tsconfig.json. Node 22 supports all of it.
  target: 'es2023',
}

/** A Worker as `wrangler deploy` makes it with the settings of wrangler.toml. */
export function workerBuild({
  entry = 'src/workers.ts',
  remoteArchives = true,
}: {
  readonly entry?: string
  /** As `CFILE_REMOTE_ARCHIVES` in wrangler.toml. */
  readonly remoteArchives?: boolean
} = {}): BuildOptions {
  return {
    absWorkingDir,
    entryPoints: [entry],
    outfile: 'worker.js',
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2024',
    // An import of `node:` fails here, because a Worker has no such modules.
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:workers'],
    define: {
      'process.env.NODE_ENV': '"production"',
      CFILE_REMOTE_ARCHIVES: String(remoteArchives),
    },
    logLevel: 'silent',
  }
}

if (import.meta.main) {
  rmSync(`${absWorkingDir}/dist`, { recursive: true, force: true })
  await build(packageBuild)
}
