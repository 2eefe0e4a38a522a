import { fileURLToPath } from 'node:url'

export default {
  experimental: { turbopackFileSystemCacheForBuild: false },
  turbopack: {
    root: fileURLToPath(new URL('../../../..', import.meta.url)),
    resolveAlias: { cfile: '../../../../src/index.ts' },
  },
}
