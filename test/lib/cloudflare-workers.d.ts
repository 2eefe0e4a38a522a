/// <reference path="../../src/cloudflare.d.ts" />

/** The bindings of vitest.config.ts for tests in workerd. */
declare module 'cloudflare:workers' {
  export const env: {
    readonly FILES_KV: import('../../src/stores/cloudflare-kv.ts').KvBinding
    readonly FILES_DB: import('../../src/stores/d1.ts').D1Binding
    readonly FILES_BUCKET: import('../../src/archives/r2.ts').R2Binding
  }
}
