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
