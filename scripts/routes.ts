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
  /** Who may call: `o` everybody (on /s the token grants access), `c` a caller. */
  readonly asker: 'o' | 'c'
  readonly answer: AnswerKind
  readonly summary: string
}

const table = `
GET /s/{token} o file Serves what a signed link grants: a file, a page or a zip
GET /s/{token}/{name} o file The same; the name is for people and is ignored
GET /files/{file_id} c file Downloads a file by its id alone
DELETE /files/{file_id} c object Erases the copy and the record; with upstream=1 also the container file at Azure
GET /containers/{container_id} c page Shows the page of a container: names, sizes, previews
GET /containers/{container_id}/files c files Lists the files that the code interpreter wrote
GET /containers/{container_id}/files.zip c zip Downloads all of them as one zip
GET /containers/{container_id}/files/{file_id} c file Downloads a file of the named container
GET /containers/{container_id}/path/{path} c file Downloads the file at /mnt/data/{path}
POST /containers/{container_id}/restore c object Creates a new container with the archived files of an expired one
POST /captures c files Records what the posted answer cites, or the response with the posted {"response_id"}
POST /links c link Signs a link to a file, a page or a zip
DELETE /owners/{owner} c object Erases everything of an owner, with upstream=1 also at Azure; admins only
GET /healthz o object Whether the process answers
GET /readyz o object Whether the process can serve requests
GET /metrics o text Counters for Prometheus
GET /openapi.json o object This description as an OpenAPI document
GET /docs o page This description as a page
GET / o object Name and version of the gateway, and where its documentation is
POST /webhooks o object Receives Azure's webhooks (Standard Webhooks)
GET /openai/v1/files/{file_id} c object Describes a container file
DELETE /openai/v1/files/{file_id} c object Deletes a container file
GET /openai/v1/files/{file_id}/content c file Downloads a container file
`

/** The routes, in the order of the document. */
export const routes: readonly Route[] = table
  .trim()
  .split('\n')
  .map((line) => {
    const [method = '', path = '', asker, answer, ...summary] = line.split(' ')
    return {
      method,
      path,
      asker: asker as Route['asker'],
      answer: answer as AnswerKind,
      summary: summary.join(' '),
    }
  })
