/**
 * The reviewed operations of the OpenAI API as data: those of OpenAI's published document and Azure's additions. If
 * callers are distinguished, cfile serves only operations in this table.
 *
 * @module
 */

import { once } from '../once.ts'

/** The kinds of things that exist in one upstream and have a record for each owner. */
export const namedKinds = ['response', 'conversation', 'container', 'file', 'thing'] as const
/** One of {@link namedKinds}. */
export type NamedKind = (typeof namedKinds)[number]

/**
 * What an answer contains, which decides what is recorded.
 *
 * - `answer`: output of the model, with its citations and items, or a part of a thread
 * - `thing`: one thing that was created or read
 * - `completion`: a chat completion, recorded if the request has `"store": true`; it may contain an audio id
 * - `call`: a realtime call, whose id is in the `Location` header
 * - `list`: things of all owners
 * - `rows`: parts of the thing that the path names
 * - `history`: items of the caller's input, as a list or one item; they get links but are not recorded
 * - `deletion`: confirmation that the last thing in the path was deleted
 * - `nothing`: bytes, or an answer without things to record
 */
export type AnswerKind =
  | 'answer'
  | 'thing'
  | 'completion'
  | 'call'
  | 'list'
  | 'rows'
  | 'history'
  | 'deletion'
  | 'nothing'

/**
 * The allowed request bodies. `json`: only JSON. `form`: JSON or a form. `sdp`: JSON, a form or a session description
 * (RFC 8866). `free`: anything, because the body cannot name things.
 */
export type BodyForm = 'json' | 'form' | 'sdp' | 'free'

/** One method of one path. */
export interface TableEntry {
  readonly answerKind: AnswerKind
  /** Whether any upstream with the model can do it. */
  readonly generates: boolean
  readonly body: BodyForm
}

/** One path with its methods. */
export interface TablePath {
  /** The parts of the path. `{kind}` stands for an id of that kind, `{name}` for a name that is not an id. */
  readonly parts: readonly string[]
  readonly methods: Readonly<Record<string, TableEntry>>
}

// Each line is a path and its methods. `*`: any upstream with the model can do it. `:form` and the like: see BodyForm.
// A line with a literal comes before a line with an id at the same place.
const text = `
responses                                             GET=list POST=answer*
responses/compact                                     POST=answer*
responses/input_tokens                                POST=nothing*
responses/{response}                                  GET=answer DELETE=deletion
responses/{response}/cancel                           POST=answer
responses/{response}/input_items                      GET=history
conversations                                         GET=list POST=thing
conversations/{conversation}                          GET=thing POST=thing DELETE=deletion
conversations/{conversation}/items                    GET=history POST=rows
conversations/{conversation}/items/{thing}            GET=history DELETE=deletion
containers                                            GET=list POST=thing
containers/{container}                                GET=thing DELETE=deletion
containers/{container}/files                          GET=list POST=thing:form
containers/{container}/files/{file}                   GET=thing DELETE=deletion
containers/{container}/files/{file}/content           GET=nothing
files                                                 GET=list POST=thing:form
files/import                                          POST=thing
files/{file}                                          GET=thing DELETE=deletion
files/{file}/content                                  GET=nothing
uploads                                               POST=thing
uploads/{thing}/cancel                                POST=thing
uploads/{thing}/complete                              POST=thing
uploads/{thing}/parts                                 POST=thing:form
chat/completions                                      GET=list POST=completion*
chat/completions/{thing}                              GET=thing POST=thing DELETE=deletion
chat/completions/{thing}/messages                     GET=rows
completions                                           POST=nothing*
embeddings                                            POST=nothing*
moderations                                           POST=nothing*
audio/speech                                          POST=nothing*
audio/transcriptions                                  POST=nothing*:free
audio/translations                                    POST=nothing*:free
audio/voices                                          GET=list POST=thing:form
audio/voices/{thing}                                  GET=thing DELETE=deletion
audio/voice_consents                                  GET=list POST=thing:form
audio/voice_consents/{thing}                          GET=thing POST=thing DELETE=deletion
images/generations                                    POST=nothing*:free
images/variations                                     POST=nothing*:free
images/edits                                          POST=nothing*:form
content_provenance_checks                             POST=nothing:form
videos                                                GET=list POST=thing:form
videos/characters                                     POST=thing:form
videos/characters/{thing}                             GET=thing
videos/edits                                          POST=thing:form
videos/extensions                                     POST=thing:form
videos/{thing}                                        GET=thing DELETE=deletion
videos/{thing}/content                                GET=nothing
videos/{thing}/remix                                  POST=thing:form
video/generations/jobs                                GET=list POST=thing:form
video/generations/jobs/{thing}                        GET=thing DELETE=deletion
video/generations/{thing}                             GET=thing
video/generations/{thing}/content                     GET=nothing
video/generations/{thing}/content/video               GET=nothing
video/generations/{thing}/content/thumbnail           GET=nothing
realtime/calls                                        POST=call*:sdp
realtime/calls/{thing}/accept                         POST=nothing
realtime/calls/{thing}/hangup                         POST=nothing
realtime/calls/{thing}/refer                          POST=nothing
realtime/calls/{thing}/reject                         POST=nothing
realtime/client_secrets                               POST=nothing*
realtime/sessions                                     POST=nothing*
realtime/transcription_sessions                       POST=nothing*
realtime/translations/client_secrets                  POST=nothing*
realtimeapi/sessions                                  POST=nothing*
models                                                GET=nothing
models/{name}                                         GET=nothing
deployments                                           GET=nothing
deployments/{name}                                    GET=nothing
deployments/{name}/chat/completions                   POST=completion*
deployments/{name}/completions                        POST=nothing*
deployments/{name}/embeddings                         POST=nothing*
deployments/{name}/audio/speech                       POST=nothing*
deployments/{name}/audio/transcriptions               POST=nothing*:free
deployments/{name}/audio/translations                 POST=nothing*:free
deployments/{name}/images/generations                 POST=nothing*:free
deployments/{name}/images/edits                       POST=nothing*:form
vector_stores                                         GET=list POST=thing
vector_stores/{thing}                                 GET=thing POST=thing DELETE=deletion
vector_stores/{thing}/search                          POST=nothing
vector_stores/{thing}/files                           GET=rows POST=nothing
vector_stores/{thing}/files/{file}                    GET=nothing POST=nothing DELETE=nothing
vector_stores/{thing}/files/{file}/content            GET=nothing
vector_stores/{thing}/file_batches                    POST=thing
vector_stores/{thing}/file_batches/{thing}            GET=thing
vector_stores/{thing}/file_batches/{thing}/cancel     POST=thing
vector_stores/{thing}/file_batches/{thing}/files      GET=rows
batches                                               GET=list POST=thing
batches/{thing}                                       GET=thing
batches/{thing}/cancel                                POST=thing
fine_tuning/alpha/graders/run                         POST=nothing
fine_tuning/alpha/graders/validate                    POST=nothing
fine_tuning/jobs                                      GET=list POST=thing
fine_tuning/jobs/{thing}                              GET=thing DELETE=deletion
fine_tuning/jobs/{thing}/cancel                       POST=thing
fine_tuning/jobs/{thing}/pause                        POST=thing
fine_tuning/jobs/{thing}/resume                       POST=thing
fine_tuning/jobs/{thing}/events                       GET=rows
fine_tuning/jobs/{thing}/checkpoints                  GET=rows
evals                                                 GET=list POST=thing
evals/{thing}                                         GET=thing POST=thing DELETE=deletion
evals/{thing}/runs                                    GET=rows POST=thing
evals/{thing}/runs/{thing}                            GET=thing POST=thing DELETE=deletion
evals/{thing}/runs/{thing}/cancel                     POST=thing
evals/{thing}/runs/{thing}/output_items               GET=rows
evals/{thing}/runs/{thing}/output_items/{thing}       GET=nothing
skills                                                GET=list POST=thing:form
skills/{thing}                                        GET=thing POST=thing DELETE=deletion
skills/{thing}/content                                GET=nothing
skills/{thing}/versions                               GET=rows POST=nothing:form
skills/{thing}/versions/{name}                        GET=nothing DELETE=nothing
skills/{thing}/versions/{name}/content                GET=nothing
chatkit/threads                                       GET=list
chatkit/threads/{thing}                               GET=thing DELETE=deletion
chatkit/threads/{thing}/items                         GET=rows
assistants                                            GET=list POST=thing
assistants/{thing}                                    GET=thing POST=thing DELETE=deletion
threads                                               GET=list POST=thing
threads/runs                                          POST=answer
threads/{thing}                                       GET=thing POST=thing DELETE=deletion
threads/{thing}/messages                              GET=answer POST=answer
threads/{thing}/messages/{thing}                      GET=answer POST=answer DELETE=deletion
threads/{thing}/runs                                  GET=answer POST=answer
threads/{thing}/runs/{thing}                          GET=answer POST=answer
threads/{thing}/runs/{thing}/cancel                   POST=answer
threads/{thing}/runs/{thing}/submit_tool_outputs      POST=answer
threads/{thing}/runs/{thing}/steps                    GET=answer
threads/{thing}/runs/{thing}/steps/{thing}            GET=answer
`

/** Returns all paths, in the order in which they are tried. */
export const tablePaths: () => readonly TablePath[] = once(() =>
  text.trim().split('\n').map(parseLine),
)

function parseLine(line: string): TablePath {
  const [path = '', ...methods] = line.split(/ +/)
  return { parts: path.split('/'), methods: Object.fromEntries(methods.map(parseMethod)) }
}

function parseMethod(text: string): [method: string, entry: TableEntry] {
  const [, method = '', answerKind, star, body = 'json'] =
    /^(\w+)=(\w+)(\*)?(?::(\w+))?$/.exec(text) ?? []
  return [
    method,
    { answerKind: answerKind as AnswerKind, generates: star !== undefined, body: body as BodyForm },
  ]
}

/**
 * The types of a client's messages on the WebSocket of the Responses API. Each has the fields of a request for a response.
 * If callers are distinguished, cfile sends only these on. The realtime API is not served.
 */
export const socketMessages: ReadonlySet<string> = new Set(['response.create', 'response.inject'])

// Paths whose things belong to the whole organisation or resource, or that show things of all callers: keys and users,
// webhooks for all responses, hosted agents. A session of ChatKit gives access to all threads of the `user` that the
// request names.
const operatorPaths = new Set([
  'chatkit',
  'organization',
  'projects',
  'dashboard',
  'webhook_endpoints',
  'webhook_event_types',
  'agents',
  'vaults',
  'live',
  'decisions',
  'safety',
])

/**
 * Whether an operation was reviewed and belongs to the operator. It is served to admins, and to everyone if callers are
 * not distinguished.
 *
 * @param method in upper case
 * @param segments of the path below `/openai/v1`
 */
export function isOperatorOnly(method: string, [first = '', second]: readonly string[]): boolean {
  if (first === 'models') return method === 'DELETE'
  return operatorPaths.has(first) || (first === 'fine_tuning' && second === 'checkpoints')
}
