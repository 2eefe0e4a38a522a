import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// No program that a test starts speaks of itself to anybody.
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'
process.env.WRANGLER_SEND_METRICS = 'false'
process.env.WRANGLER_HIDE_BANNER = 'true'

// Most of these tests start Node many times, and each start takes half as long with compiled modules.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'cfile-compile-cache')

const isLong = process.env.CFILE_LONG === '1'

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  define: { __LONG__: isLong },
  resolve: { conditions: ['@cfile/source'] },
  ssr: { resolve: { conditions: ['@cfile/source'] } },
  test: {
    name: 'e2e',
    // With what starts programs, which would take `npm test` a minute.
    include: ['test/e2e/**/*.test.ts', 'test/cli/**/*.test.ts', 'test/examples.node.test.ts'],
    exclude: ['**/node_modules/**'],
    // Each file may have an engine beside it, and two cores is what a small machine has.
    maxWorkers: 2,
    testTimeout: isLong ? 1_800_000 : 120_000,
    hookTimeout: 120_000,
  },
})
