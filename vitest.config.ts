import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

// Miniflare would else ask for a description of the place that it runs at, and count its users.
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'
process.env.WRANGLER_SEND_METRICS = 'false'

// Read by test/lib/rounds.ts: `npm run test:long` runs fifty times as many rounds of each property.
const isLong = process.env.CFILE_LONG === '1'
const define = { __LONG__: isLong }
// No test is about time: the limit is for one that hangs, on a machine that does much else.
const testTimeout = isLong ? 900_000 : 60_000

// What is web-standard runs twice, on Node and in workerd; `*.node.test.ts` needs a file system, a socket or a process,
// `*.workers.test.ts` a binding.
const everywhere =
  'test/{core,azure,gateway,routes,stores,archives,emulator,scenarios}/**/*.test.ts'

// What starts programs takes a minute, and runs with the other engines (test/e2e/vitest.config.ts).
const programs = ['test/cli/**', 'test/examples.node.test.ts']

export default defineConfig({
  test: {
    // Without it a machine of two cores would leave one of them idle.
    maxWorkers: 2,
    projects: [
      {
        define,
        resolve: { conditions: ['@cfile/source'] },
        ssr: { resolve: { conditions: ['@cfile/source'] } },
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/load/**', 'test/**/*.workers.test.ts', ...programs],
          // No module has state (test/architecture), so the files share their imports: half of the time.
          isolate: false,
          setupFiles: './test/lib/same-bytes.ts',
          testTimeout,
        },
      },
      {
        define,
        plugins: [
          cloudflareTest({
            // Node's APIs are there, since vitest needs them: that nothing of ours does is held by tsconfig.json and
            // test/architecture.test.ts. The date is that of wrangler.toml.
            miniflare: {
              compatibilityDate: '2026-10-01',
              kvNamespaces: ['FILES_KV'],
              d1Databases: ['FILES_DB'],
              r2Buckets: ['FILES_BUCKET'],
              // Nothing leaves this machine, whatever a test asks for.
              outboundService: ({ url }: { url: string }) => {
                throw new Error(`A test asked for ${url}; give it a fetch of its own.`)
              },
            },
          }),
        ],
        test: {
          name: 'workers',
          include: [everywhere, 'test/*.workers.test.ts', 'test/start/*.workers.test.ts'],
          exclude: ['**/*.node.test.ts'],
          // One workerd for all files; storage is shared, so keys must be a file's own.
          isolate: false,
          setupFiles: './test/lib/same-bytes.ts',
          testTimeout,
        },
      },
    ],
  },
})
