/**
 * `POST /captures`: records the ids and files in an answer, for back ends that call Azure themselves and post its answers.
 *
 * @module
 */

import { Hono } from 'hono/tiny'
import * as z from 'zod/mini'
import { mentionsInTranscript } from '../core/api/citations/citation-stream.ts'
import type { Citation, Mentions } from '../core/api/citations/citations.ts'
import { readPosted } from '../core/api/citations/posted-answer.ts'
import { mostNames, tooManyNames } from '../core/api/names/named-ids.ts'
import { CfileError } from '../core/errors.ts'
import { isEventStreamType } from '../core/http/content-type.ts'
import { inTurns } from '../core/time.ts'
import { type Captured, capture, captureResponse } from '../gateway/capture/capture.ts'
import { claim } from '../gateway/capture/claim.ts'
import type { Caller, Gateway } from '../gateway/gateway.ts'
import { createLinker } from '../gateway/links.ts'
import { findHeld } from '../gateway/owners/access.ts'
import { addPath, parseObject, type RouteContext, type RouteEnv, readBody } from './request.ts'
import { responseIdBody } from './schemas.ts'

/** Creates the routes at `/captures`. */
export function captureRoutes(gateway: Gateway): Hono<RouteEnv> {
  const routes = new Hono<RouteEnv>()
  addPath(routes, '/', {
    POST: async (c) => {
      const { citations, upstream } = await captureBody(gateway, c)
      const wired = citations.map((citation) =>
        toWire(gateway, c.get('caller'), upstream, citation),
      )
      return c.json({ files: await Promise.all(wired) })
    },
  })
  return routes
}

const expected =
  'a Responses object or one of its items, {"response_id": "resp_…"}, its events as text/event-stream, an object with tool_calls[].function.output.files, or an answer as an SDK hands it on: a message of LangChain with content[].annotations, a result or message of the AI SDK with source parts, an item of the Agents SDK with raw_item'

/** Records the mentions in the posted body, or in the response whose id it contains. */
async function captureBody(gateway: Gateway, c: RouteContext): Promise<Captured> {
  const caller = c.get('caller')
  const bytes = await readBody(gateway, c)
  const isTranscript = isEventStreamType(c.req.raw.headers)
  const body = isTranscript ? undefined : await parseObject(gateway, bytes, expected)
  const responseId = body === undefined ? undefined : namedResponse(body)
  if (responseId !== undefined) {
    return captureResponse(gateway, caller, responseId, c.req.raw.signal)
  }
  if (gateway.owners.captures === 'response_id') throw onlyResponseIds()
  const mentions =
    body === undefined
      ? await inTurns(gateway.runtime.wait, mentionsInTranscript(bytes))
      : readPosted(body)
  if (mentions === undefined) throw unknownShape(isTranscript)
  if (countMentions(mentions) > mostNames) throw tooManyNames()
  await capture(gateway, { caller }, await claim(gateway, caller, mentions))
  return mentions
}

/** The number of ids in mentions. */
function countMentions({ responses, conversations, containers, citations }: Mentions): number {
  return responses.length + conversations.length + containers.length + citations.length
}

/** Returns the id in `{"response_id"}`; `undefined` when the body is an answer itself. */
function namedResponse(body: Readonly<Record<string, unknown>>): string | undefined {
  const { response_id: id, output, type } = body
  if (id === undefined || output !== undefined || type !== undefined) return undefined
  const { success, data } = z.safeParse(responseIdBody(), body)
  if (success) return data.response_id
  throw new CfileError('invalid_id', 'response_id is not a response id.', { param: 'response_id' })
}

/**
 * Describes a captured file in the answer, with its link.
 *
 * @param upstream name of the upstream that holds the file, if known
 */
async function toWire(
  gateway: Gateway,
  caller: Caller,
  upstream: string | undefined,
  citation: Citation,
) {
  const { container_id = null, file_id, filename = null } = citation
  // A link that an admin creates to an owner's file has the owner's rights.
  const held = caller.admin ? await findHeld(gateway, caller, 'file', file_id) : undefined
  const linker = createLinker(gateway, held?.holder ?? caller, upstream)
  return { container_id, file_id, filename, ...(await linker.file(citation)) }
}

/**
 * The error for a body that contains nothing of the API.
 *
 * @param isTranscript whether the body is a stream of events
 */
function unknownShape(isTranscript: boolean): CfileError {
  const problem = isTranscript
    ? 'The transcript has no event of the API'
    : 'The body has no known shape'
  return new CfileError('invalid_request', `${problem}, so nothing was recorded; post ${expected}.`)
}

/** The error for a posted answer with `CFILE_CAPTURES=response_id`. */
function onlyResponseIds(): CfileError {
  return new CfileError(
    'invalid_request',
    'Posted answers are not accepted here; post {"response_id": "resp_…"}, and cfile reads the answer from the upstream.',
    { param: 'CFILE_CAPTURES' },
  )
}
