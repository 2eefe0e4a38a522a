import { fileURLToPath } from 'node:url'
import adapter from '@sveltejs/adapter-node'
import { sveltekit } from '@sveltejs/kit/vite'

const cfile = fileURLToPath(new URL('../../../../src/index.ts', import.meta.url))

export default {
  plugins: [sveltekit({ adapter: adapter() })],
  resolve: { alias: { cfile } },
}
