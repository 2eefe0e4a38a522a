/**
 * Ids and paths that lead elsewhere if any part of the way interprets them.
 */

import { describe, expect, it } from 'vitest'
import { apiKey } from '../../src/azure/credentials.ts'
import { openHarness } from '../lib/harness.ts'

const segments = [
  '..',
  '.',
  '%2e%2e',
  '%2E%2E',
  '.%2e',
  '%252e%252e',
  '%25252e%25252e',
  '..%2f..%2fdeployments',
  '..%252f..%252fdeployments',
  '..%5c..%5cdeployments',
  '..\\..\\deployments',
  '%c0%ae%c0%ae%c0%af',
  '%uff0e%uff0e',
  '\uff0e\uff0e\uff0f',
  '\u2025\u2215',
  'a%00',
  '%00',
  'a%0d%0aX-Evil:%201',
  'a%0a',
  'a%09',
  'a%20',
  'a%3fx=1',
  'a%23x',
  'a;x=1',
  'a%3bx=1',
  '//evil.example',
  '%2f%2fevil.example',
  'http:%2f%2fevil.example',
  '@evil.example',
  'a@b',
  '%ff',
  '%',
  '%zz',
  '%F0%9F%98%80',
  '\u202eknil',
  'a'.repeat(129),
  'a'.repeat(20_000),
  '..%2f'.repeat(500),
]

/** Position of an id in a URL whose other parts are right. */
const places = [
  (id: string) => `/files/${id}`,
  (id: string) => `/files/cfile_${id}`,
  (id: string) => `/files/cfile_a?container_id=${id}`,
  (id: string) => `/files/cfile_a?container_id=cntr_${id}`,
  (id: string) => `/containers/${id}`,
  (id: string) => `/containers/cntr_${id}`,
  (id: string) => `/containers/${id}/files`,
  (id: string) => `/containers/cntr_${id}/files`,
  (id: string) => `/containers/cntr_${id}/files.zip`,
  (id: string) => `/containers/cntr_${id}/files/cfile_a`,
  (id: string) => `/containers/cntr_a/files/${id}`,
  (id: string) => `/containers/cntr_a/files/cfile_${id}`,
  (id: string) => `/containers/cntr_${id}/path/a.csv`,
]

const ofTheApi = [
  (id: string) => `/openai/v1/containers/${id}`,
  (id: string) => `/openai/v1/containers/cntr_${id}/files`,
  (id: string) => `/openai/v1/containers/cntr_a/files/${id}/content`,
  (id: string) => `/openai/v1/containers/cntr_a/files/cfile_${id}/content`,
  (id: string) => `/v1/files/${id}/content`,
  (id: string) => `/v1/files/file-${id}`,
  (id: string) => `/v1/responses/${id}`,
  (id: string) => `/v1/responses/resp_${id}/input_items`,
  (id: string) => `/v1/${id}`,
  (id: string) => `/openai/${id}/containers?api-version=2025-04-01-preview`,
]

const base = 'http://localhost'

/** Whether a URL parser changes the path before the app sees it, which makes it another request. */
function isElsewhere(path: string, prefix: string): boolean {
  return !new URL(base + path).pathname.startsWith(prefix)
}

describe('a traversal', () => {
  it.each(segments.map((segment) => [segment.slice(0, 40), segment]))(
    'of %s reaches no upstream by a file, a container or a path',
    async (_, segment) => {
      const gateway = openHarness()
      for (const place of places) {
        const path = place(segment)
        const prefix = path.startsWith('/files') ? '/files/' : '/containers/'
        if (isElsewhere(path, prefix)) continue
        const answer = await gateway.ask(path)
        expect(answer.status, path.slice(0, 200)).toBeGreaterThanOrEqual(400)
        expect(answer.status, path.slice(0, 200)).toBeLessThan(500)
        await answer.body?.cancel()
      }
      // After a parser has resolved the dots, the rest may be a valid request.
      for (const { path } of await gateway.requests()) {
        expect(path).toMatch(
          /^\/openai\/v1\/containers\/cntr_[\w-]+(?:\/files(?:\/cfile_[\w-]+)?(?:\/content)?)?$/,
        )
      }
    },
  )

  it.each(segments.map((segment) => [segment.slice(0, 40), segment]))(
    'of %s as the path of a file finds nothing and requests only the list of the container',
    async (_, segment) => {
      const gateway = openHarness()
      const [file] = await gateway.respond('Save the numbers as a CSV.')
      const prefix = `/containers/${file?.container_id}/path/`
      await gateway.requests()
      for (const path of [`${prefix}${segment}`, `${prefix}x/${segment}/y.csv`]) {
        if (isElsewhere(path, prefix)) continue
        const answer = await gateway.ask(path)
        expect([400, 404, 414], path.slice(0, 200)).toContain(answer.status)
        await answer.body?.cancel()
      }
      for (const { method, path } of await gateway.requests()) {
        expect(`${method} ${path}`).toMatch(
          new RegExp(`^GET /openai/v1/containers/${file?.container_id}(?:/files)?$`),
        )
      }
    },
  )

  it.each(segments.map((segment) => [segment.slice(0, 40), segment]))(
    'of %s in the OpenAI API never leaves /openai/',
    async (_, segment) => {
      const hosts = new Set<string>()
      const paths: string[] = []
      const gateway = openHarness({
        upstreams: [
          {
            endpoint: 'http://emulator.localhost',
            credential: apiKey('k'),
            fetch: async (input) => {
              const url = new URL(input instanceof Request ? input.url : input)
              hosts.add(url.host)
              paths.push(url.pathname)
              return Response.json({ error: { code: 'x', message: 'x' } }, { status: 404 })
            },
          },
        ],
      })
      for (const place of ofTheApi) {
        const path = place(segment)
        if (isElsewhere(path, path.startsWith('/v1') ? '/v1/' : '/openai/')) continue
        const answer = await gateway.ask(path)
        expect(answer.status, path.slice(0, 200)).toBeGreaterThanOrEqual(400)
        await answer.body?.cancel()
      }
      expect([...hosts].filter((host) => host !== 'emulator.localhost')).toEqual([])
      for (const path of paths) {
        expect(path.startsWith('/openai/'), path).toBe(true)
        // Also when a server behind it decodes once more.
        expect(path, path).not.toMatch(/(?:^|\/|\\|%2f|%5c)(?:\.|%2e){1,2}(?:\/|\\|%2f|%5c|$)/i)
      }
    },
  )
})
