/** The whole gateway as it is published, its callers known by keys; `npm run bench` builds it first. */

const door = new URL('../../dist/node.js', import.meta.url).href
const { serve }: typeof import('../../src/node.ts') = await import(door)

await serve(process.env)
