/** A client that openapi-typescript makes from `/openapi.json` compiles and works. */

import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import openapiTS, { astToString } from 'openapi-typescript'
import { expect, it, onTestFinished } from 'vitest'
import { type Running, serve } from '../../src/node.ts'
import { root, run } from '../lib/child.ts'
import { citedFiles, json, responseRequest } from '../lib/harness.ts'

const program = `
import createClient from 'openapi-fetch'
import type { paths } from './api.d.ts'

const [baseUrl = '', file_id = '', container_id = ''] = process.argv.slice(2)
const client = createClient<paths>({ baseUrl })
const link = await client.POST('/links', { body: { file_id, container_id, expires_in: 60 } })
const url: string | undefined = link.data?.download_url
const list = await client.GET('/containers/{container_id}/files', {
  params: { path: { container_id }, query: { all: '1' } },
})
const names: string[] = list.data?.files.map((file) => file.filename) ?? []
// @ts-expect-error: the document knows no such query
await client.GET('/files/{file_id}', { params: { path: { file_id }, query: { disposition: 'odd' } }, parseAs: 'text' })
const wrong = await client.GET('/files/{file_id}', { params: { path: { file_id: 'none' } }, parseAs: 'text' })
const code: string | undefined = wrong.error?.error.code
console.log(JSON.stringify({ isLink: url?.startsWith(baseUrl), names, code }))
`

it('gets a link and a list, and reads an error', async () => {
  const gateway: Running = await serve({ PORT: '0', LOG_LEVEL: 'silent' })
  const folder = await mkdtemp(join(tmpdir(), 'cfile-openapi-'))
  onTestFinished(async () => {
    await gateway.close()
    await rm(folder, { recursive: true })
  })
  const asked = json(responseRequest('Save a CSV'))
  const answer = await fetch(`${gateway.url}/openai/v1/responses`, asked)
  const [file] = citedFiles(await answer.json())
  const document = await (await fetch(`${gateway.url}/openapi.json`)).json()
  await writeFile(join(folder, 'api.d.ts'), astToString(await openapiTS(document)))
  await writeFile(join(folder, 'client.ts'), program)
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await symlink(join(root, 'test/e2e/node_modules'), join(folder, 'node_modules'))

  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2023',
    noEmit: true,
    allowImportingTsExtensions: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
  const config = { compilerOptions, files: ['client.ts'] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const compiled = await run(join(root, 'node_modules/.bin/tsc'), ['-p', folder])
  expect(compiled.stdout).toBe('')
  const args = [join(folder, 'client.ts'), gateway.url, file?.file_id, file?.container_id]
  const { stdout, stderr } = await run(process.execPath, args.map(String))
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual({ isLink: true, names: ['sales.csv'], code: 'invalid_id' })
})
