/** `/openapi.json` is a valid document, made from the schemas that check the requests. */

import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, it } from 'vitest'
import { createDocument } from '../../scripts/openapi.ts'
import { CfileError, errorStatuses, isErrorCode } from '../../src/core/errors.ts'

const stored = readFileSync(new URL('../../src/routes/openapi.json', import.meta.url), 'utf8')

it('is what the schemas say now: `npm run openapi` writes it', () => {
  expect(JSON.parse(stored)).toEqual(JSON.parse(JSON.stringify(createDocument())))
})

it('is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(JSON.parse(stored))
  expect(errors).toBeUndefined()
  expect(valid).toBe(true)
})

it('names every error code, with its status', () => {
  for (const [code, status] of Object.entries(errorStatuses)) {
    expect(stored).toContain(`"${code}"`)
    expect(isErrorCode(code) && new CfileError(code, '').status).toBe(status)
  }
})

it('describes a query as the route checks it', () => {
  const { paths } = JSON.parse(stored)
  const query = paths['/files/{file_id}'].get.parameters.find(
    ({ name }: { name?: string }) => name === 'disposition',
  )
  expect(query.schema).toEqual({ type: 'string', enum: ['attachment', 'inline'] })
})

it('describes the headers of answers and errors', () => {
  const { paths, components } = JSON.parse(stored)
  const headersOf = (path: string, method: string, status: number): string[] => {
    const { $ref = '', headers } = paths[path][method].responses[status]
    return Object.keys(headers ?? components.responses[$ref.split('/').at(-1)].headers)
  }
  const file = headersOf('/files/{file_id}', 'get', 206)
  expect(file).toEqual(expect.arrayContaining(['Content-Range', 'Cache-Control', 'Repr-Digest']))
  expect(file).toEqual(expect.arrayContaining(['Content-Security-Policy', 'apim-request-id']))
  expect(headersOf('/links', 'post', 405)).toContain('Allow')
  expect(headersOf('/s/{token}', 'get', 416)).toContain('Content-Range')
  for (const status of [429, 503]) {
    expect(headersOf('/files/{file_id}', 'get', status)).toContain('Retry-After')
  }
  expect(headersOf('/healthz', 'get', 200)).toContain('x-cfile-emulator')
})

it('distinguishes the object of a container file from its bytes', () => {
  const { paths } = JSON.parse(stored)
  const object = paths['/openai/v1/files/{file_id}']
  expect(Object.keys(object)).toEqual(['get', 'delete'])
  expect(object.get.responses).not.toHaveProperty('206')
  expect(object.get.responses[200].headers).not.toHaveProperty('Content-Disposition')
})
