/**
 * All routes as data, for `/openapi.json` and `/docs`.
 *
 * @module
 */

/** Kind of a successful answer. */
export type AnswerKind = 'file' | 'zip' | 'page' | 'files' | 'link' | 'object' | 'text'

/** One method of one route. */
export interface Operation {
  readonly method: string
  /** Path with its parameters in braces. */
  readonly path: string
  readonly query: readonly string[]
  readonly answer: AnswerKind
  readonly summary: string
}

// The letter before the kind of answer says who may call: everybody (o; on /s the token grants access), or a caller (c).
const table = `
GET /s/{token} o file Serves what a signed link grants: a file, a page or a zip
GET /s/{token}/{name} o file The same; the name is for people and is ignored
GET /files/{file_id} ?container_id ?disposition c file Downloads a file by its id alone
DELETE /files/{file_id} ?upstream c object Erases the copy and the record; with upstream=1 also the container file at Azure
GET /containers/{container_id} c page Shows the page of a container: names, sizes, previews
GET /containers/{container_id}/files ?all c files Lists the files that the code interpreter wrote
GET /containers/{container_id}/files.zip c zip Downloads all of them as one zip
GET /containers/{container_id}/files/{file_id} ?disposition c file Downloads a file of the named container
GET /containers/{container_id}/path/{path} ?disposition c file Downloads the file at /mnt/data/{path}
POST /containers/{container_id}/restore c object Creates a new container with the archived files of an expired one
POST /captures c files Records what the posted answer cites, or the response with the posted {"response_id"}
POST /links c link Signs a link to a file, a page or a zip
DELETE /owners/{owner} ?upstream c object Erases everything of an owner, with upstream=1 also at Azure; admins only
GET /healthz o object Whether the process answers
GET /readyz o object Whether the process can serve requests
GET /metrics o text Counters for Prometheus
GET /openapi.json o object This description as an OpenAPI document
GET /docs o page This description as a page
GET / o object Name and version of the gateway, and where its documentation is
`

/** Who may call: `o` everybody, `c` a caller. */
export type Asker = 'o' | 'c'

/** All operations except those of the OpenAI API, which has its own OpenAPI document. */
export const operations: readonly (Operation & { readonly asker: Asker })[] = table
  .trim()
  .split('\n')
  .map((line) => {
    const [method = '', path = '', ...rest] = line.split(' ')
    const query = rest.filter((word) => word.startsWith('?')).map((word) => word.slice(1))
    const [asker, answer, ...summary] = rest.slice(query.length)
    return {
      method,
      path,
      query,
      asker: asker as Asker,
      answer: answer as AnswerKind,
      summary: summary.join(' '),
    }
  })
