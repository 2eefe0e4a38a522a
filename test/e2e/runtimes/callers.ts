/**
 * The HTTP suite: who may read what, and what errors look like.
 */

import { expect } from 'vitest'
import { json, responseRequest } from '../../lib/harness.ts'
import { page, type Row, refused } from './world.ts'

export const callers: readonly Row[] = [
  {
    title: 'nobody reads, names or erases the file of another caller',
    async run({ ask, answer }) {
      const { id, file } = await answer()
      const paths = [
        `/files/${file.file_id}`,
        `/files/${file.file_id}?container_id=${file.container_id}`,
        `/containers/${file.container_id}/files/${file.file_id}`,
        `/openai/v1/files/${file.file_id}/content`,
      ]
      for (const path of paths) {
        expect(await refused(await ask(path, {}, 'bob')), path).toEqual([404, 'file_not_found'])
      }
      const list = await ask(`/containers/${file.container_id}/files`, {}, 'bob')
      expect(await refused(list)).toEqual([404, 'container_not_found'])
      const gone = await ask(`/files/${file.file_id}`, { method: 'DELETE' }, 'bob')
      expect(gone.status).toBe(404)
      const named = json(responseRequest('Go on', { previous_response_id: id }))
      expect((await ask('/openai/v1/responses', named, 'bob')).status).toBe(404)
      expect((await ask(`/files/${file.file_id}`, {}, 'admin')).status).toBe(200)
      expect((await ask(`/files/${file.file_id}`)).status).toBe(200)
    },
  },
  {
    title: 'a request without a key, or with a wrong one, is 401',
    async run({ ask }) {
      for (const path of ['/files/cfile_1', '/containers/cntr_1', '/openai/v1/models']) {
        expect(await refused(await ask(path, {}, 'nobody')), path).toEqual([401, 'unauthorized'])
        const headers = { authorization: 'Bearer a-key-that-nobody-has' }
        const wrong = await ask(path, { headers }, 'nobody')
        expect(await refused(wrong), path).toEqual([401, 'unauthorized'])
      }
    },
  },
  {
    title: 'an error has the envelope of OpenAI, with a code and a request id',
    async run({ ask }) {
      const answer = await ask('/files/not-an-id')
      expect(answer.status).toBe(400)
      expect(await answer.json()).toEqual({
        error: expect.objectContaining({
          message: expect.any(String),
          type: expect.any(String),
          code: 'invalid_id',
          request_id: answer.headers.get('x-request-id'),
        }),
      })
      const post = await ask('/files/cfile_1', { method: 'POST' })
      expect(post.headers.get('allow')).toContain('GET')
      expect(await refused(post)).toEqual([405, 'method_not_allowed'])
      expect(await refused(await ask('/nothing/here'))).toEqual([404, 'not_found'])
    },
  },
  {
    title: 'an error of Azure before the first byte is an answer with a code',
    async run({ ask, answer, azure }) {
      const { file } = await answer('Save a 3 MB binary file')
      const match = { path: file.file_id }
      await azure.fault({ match, kind: 'wrong_key', times: 20 })
      const got = await ask(`/files/${file.file_id}`)
      await fetch(`${azure.url}/emulator/faults`, { method: 'DELETE' })
      // The copy may have been made before the fault.
      if (!got.headers.has('repr-digest'))
        expect(await refused(got)).toEqual([502, 'upstream_auth'])
    },
  },
  {
    title: 'a page of an allowed origin reads files and errors; another one does not',
    async run({ ask, answer }) {
      const { file } = await answer()
      const path = `/files/${file.file_id}`
      const asked = { origin: page, 'access-control-request-method': 'GET' }
      const preflight = await ask(path, { method: 'OPTIONS', headers: asked }, 'nobody')
      expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([
        204,
        page,
      ])
      for (const url of [path, '/files/cfile_nobodys']) {
        const got = await ask(url, { headers: { origin: page } })
        expect(got.headers.get('access-control-allow-origin')).toBe(page)
        expect(got.headers.get('access-control-expose-headers')).toContain('Content-Disposition')
        expect(got.headers.has('access-control-allow-credentials')).toBe(false)
      }
      const other = await ask(path, { headers: { origin: 'https://elsewhere.example' } })
      expect(other.headers.has('access-control-allow-origin')).toBe(false)
    },
  },
  {
    title: 'an erased file is gone',
    async run({ ask, answer }) {
      const { file } = await answer()
      const erased = await ask(`/files/${file.file_id}?upstream=1`, { method: 'DELETE' })
      expect(await erased.json()).toEqual({
        id: file.file_id,
        object: 'file.deleted',
        deleted: true,
      })
      expect(await refused(await ask(`/files/${file.file_id}`))).toEqual([404, 'file_not_found'])
    },
  },
]
