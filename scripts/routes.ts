/**
 * All routes except those of the OpenAI API, which has its own OpenAPI document. `scripts/openapi.ts` describes them.
 *
 * @module
 */

/** Kind of a successful answer. */
export type AnswerKind = 'file' | 'zip' | 'page' | 'files' | 'link' | 'object' | 'text'

/** One method of one route. */
export interface Route {
  readonly method: string
  /** Path with its parameters in braces. */
  readonly path: string
  /** Who may send the request: everybody (on `/s` the token grants access), or a known caller. */
  readonly access: 'open' | 'caller'
  readonly answer: AnswerKind
  readonly summary: string
}

const table = `
GET /s/{token} open file Serves what a signed link grants: a file, a page or a zip
GET /s/{token}/{name} open file The same; the name is for people and is ignored
GET /files/{file_id} caller file Downloads a file by its id alone
DELETE /files/{file_id} caller object Erases the copy and the record; with upstream=1 also the container file at Azure
GET /containers/{container_id} caller page Shows the page of a container: names, sizes, previews
GET /containers/{container_id}/files caller files Lists the files that the code interpreter wrote
GET /containers/{container_id}/files.zip caller zip Downloads all of them as one zip
GET /containers/{container_id}/files/{file_id} caller file Downloads a file of the named container
GET /containers/{container_id}/path/{path} caller file Downloads the file at /mnt/data/{path}
POST /containers/{container_id}/restore caller object Creates a new container with the archived files of an expired one
POST /captures caller files Records what the posted answer cites, or the response with the posted {"response_id"}
POST /links caller link Signs a link to a file, a page or a zip
DELETE /owners/{owner} caller object Erases everything of an owner, with upstream=1 also at Azure; admins only
GET /healthz open object Whether the process answers
GET /readyz open object Whether the process can serve requests
GET /metrics open text Counters for Prometheus
GET /openapi.json open object This description as an OpenAPI document
GET /docs open page This description as a page
GET / open object Name and version of the gateway, and where its documentation is
POST /webhooks open object Receives Azure's webhooks (Standard Webhooks)
GET /openai/v1/files/{file_id} caller object Describes a container file
DELETE /openai/v1/files/{file_id} caller object Deletes a container file
GET /openai/v1/files/{file_id}/content caller file Downloads a container file
`

/** The routes, in the order of the document. */
export const routes: readonly Route[] = table
  .trim()
  .split('\n')
  .map((line) => {
    const [method = '', path = '', access, answer, ...summary] = line.split(' ')
    return {
      method,
      path,
      access: access as Route['access'],
      answer: answer as AnswerKind,
      summary: summary.join(' '),
    }
  })
