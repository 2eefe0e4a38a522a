/** cfile mounted at `/ai` in the frameworks that people use, over real HTTP. */

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import { apiKey } from '../../src/azure/credentials.ts'
import { nodeRuntime, type Running, serve } from '../../src/node.ts'
import { json, responseRequest } from '../lib/harness.ts'
import { doMainJob } from '../lib/main-job.ts'
import { freePort } from './engines.ts'
import * as azureFunctions from './frameworks/azure-functions.ts'
import { isInstalled, nextJs, serveBuilt, svelteKit } from './frameworks/built.ts'
import { mount4, mount5 } from './frameworks/express.ts'
import * as fastify from './frameworks/fastify.ts'
import * as h3 from './frameworks/h3.ts'
import * as koa from './frameworks/koa.ts'
import type { Mount } from './frameworks/mount.ts'
import * as nest from './frameworks/nest.ts'

const nodeMounts: Readonly<Record<string, Mount>> = {
  'Express 4': mount4,
  'Express 5': mount5,
  NestJS: nest.mount,
  Koa: koa.mount,
  Fastify: fastify.mount,
  'H3 (Nitro, Nuxt)': h3.mount,
}
const webMounts: Readonly<Record<string, Mount>> = {
  'the handler for Azure Functions': azureFunctions.mount,
}

let azure: Running
beforeAll(async () => {
  azure = await serve({ PORT: '0', LOG_LEVEL: 'silent', CFILE_STORE: 'memory:' })
})
afterAll(() => azure.close())

const mounts = [
  ...Object.entries(nodeMounts).map(([name, mount]) => ({ name, mount, runtime: nodeRuntime() })),
  ...Object.entries(webMounts).map(([name, mount]) => ({ name, mount, runtime: {} })),
]

/** Does the main job at `/ai` of a host, and reads a part, a stream and the host's own route. */
async function useHost(port: number): Promise<void> {
  const base = `http://127.0.0.1:${port}/ai`
  const [file] = await doMainJob(base)
  const part = await fetch(`${base}/files/${file?.file_id}`, { headers: { range: 'bytes=0-4' } })
  expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 5])
  const request = json(responseRequest('Save a CSV', { stream: true }))
  const stream = await fetch(`${base}/openai/v1/responses`, request)
  expect(await stream.text()).toContain('event: response.completed')
  expect(await (await fetch(`http://127.0.0.1:${port}/hello`)).text()).toBe('own')
}

describe.each(mounts)('$name', ({ mount, runtime }) => {
  it('serves files by id, by link and in parts, and streams answers', async () => {
    const port = await freePort()
    const upstreams = [{ endpoint: azure.url, credential: apiKey('any') }]
    const publicUrl = `http://127.0.0.1:${port}/ai`
    const stop = await mount(createApp({ ...runtime, upstreams, publicUrl }), port)
    onTestFinished(async () => void (await stop()))
    await useHost(port)
  })
})

// Only with its packages, since they weigh too much for every run: npm run test:long installs those of Next.js.
describe.each([
  { name: 'SvelteKit, with its Node adapter', host: svelteKit },
  { name: 'Next.js', host: nextJs },
])('$name', ({ host }) => {
  it.runIf(isInstalled(host))(
    'serves files by id, by link and in parts, and streams answers',
    async () => {
      const port = await freePort()
      onTestFinished(await serveBuilt(host, azure.url, port))
      await useHost(port)
    },
    240_000,
  )
})
