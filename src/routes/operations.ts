/**
 * The routes, as data: what `/openapi.json` and `/docs` are made of.
 *
 * @module
 */

/** What an operation answers with. */
export type AnswerKind = 'file' | 'zip' | 'page' | 'files' | 'link' | 'object' | 'text'

/** One method of one route. */
export interface Operation {
  readonly method: string
  /** With its parameters in braces. */
  readonly path: string
  readonly query: readonly string[]
  readonly answer: AnswerKind
  readonly summary: string
}

// A letter before the summary says who may ask: everybody (o; on /s the token is the right), a caller (c).
const table = `
GET /s/{token} o file What a signed link grants: a file, a page or a zip
GET /s/{token}/{name} o file The same; the name is for people and decides nothing
GET /files/{file_id} ?container_id ?disposition c file The bytes of a file, by its id alone
DELETE /files/{file_id} ?upstream c object Erases the copy and the record here; with upstream=1 the container file at Azure too
GET /containers/{container_id} c page The page of a container: names, sizes, previews
GET /containers/{container_id}/files ?all c files Every file that the code interpreter wrote
GET /containers/{container_id}/files.zip c zip All of them, as one zip
GET /containers/{container_id}/files/{file_id} ?disposition c file The bytes of a file, its container named
GET /containers/{container_id}/path/{path} ?disposition c file The file at /mnt/data/{path}
POST /containers/{container_id}/restore c object Makes a new container with the archived files of one that is gone
POST /captures c files Records what the posted answer cites, or {"response_id"}
POST /links c link Signs a link to a file, a page or a zip
DELETE /owners/{owner} ?upstream c object The same for all of an owner's; for admins
GET /healthz o object Whether it is alive
GET /readyz o object Whether it can work
GET /metrics o text Counts, for Prometheus
GET /openapi.json o object This description
GET /docs o page This description, to read
GET / o object What this is
`

/** Who may ask. */
export type Asker = 'o' | 'c'

/** Every operation but those of the OpenAI API, which has a description of its own. */
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
