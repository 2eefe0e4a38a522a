/**
 * Checks the file that a batch or an eval runs. The upstream sends the requests of a batch, and the messages in the rows
 * of an eval, with the gateway's credential, so each line may name only what the caller owns.
 *
 * @see https://platform.openai.com/docs/api-reference/batch/request-input
 * @see https://platform.openai.com/docs/api-reference/evals/createRun
 * @module
 */

import { type BodyNames, noBodyNames, readBodyNames } from '../../core/api/names/body-names.ts'
import { batchPlace, type Place, rowPlace } from '../../core/api/names/body-places.ts'
import { emptyNames, mostNames, toLists, tooManyNames } from '../../core/api/names/named-ids.ts'
import { namedKinds } from '../../core/api/operations.ts'
import { CfileError } from '../../core/errors.ts'
import { readWhole } from '../../core/http/body.ts'
import { inTurns } from '../../core/time.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { requireOwnBody } from './own-names.ts'
import type { ProxyRequest } from './request.ts'

// The operations that run the lines of a file, and how to read a line.
const linePlaces: ReadonlyMap<string, Place> = new Map([
  ['/batches', batchPlace],
  ['/evals/{thing}/runs', rowPlace],
])

/**
 * Checks that the lines of the file that a request runs name only things of the caller. Requests that run no file pass
 * unread.
 *
 * @param parsed the parsed request, whose body names the file
 * @throws CfileError `not_found`, `file_not_found`, `container_not_found` for things of others; `invalid_request` for
 * a file that cannot be read; `payload_too_large`
 */
export async function requireOwnInput(
  gateway: Gateway,
  caller: Caller,
  parsed: ProxyRequest,
): Promise<void> {
  const { request, operation, sent } = parsed
  const place = linePlaces.get(operation.pattern ?? '')
  const isTrusted = !gateway.owners.knowsCallers || caller.admin
  if (isTrusted || place === undefined || request.method !== 'POST') return
  const [fileId, another] = sent.named.inputFiles
  // The rows of an eval may be in the body, which is checked like any other.
  if (fileId === undefined && place === rowPlace) return
  if (fileId === undefined || another !== undefined) throw unreadable()
  const lines = await readInput(gateway, parsed, fileId)
  const named = await inTurns(gateway.runtime.wait, readLines(lines, place), request.signal)
  await requireOwnBody(gateway, caller, named)
}

/** Reads the file from its upstream. @throws CfileError `invalid_request`, `payload_too_large` */
async function readInput(
  { bounds: { maxBodyBytes } }: Gateway,
  { request: { signal }, route }: ProxyRequest,
  fileId: string,
): Promise<Uint8Array> {
  const [upstream] = route.upstreams
  if (upstream === undefined) throw unreadable()
  const answer = await upstream.client.request({
    method: 'GET',
    path: `/files/${fileId}/content`,
    signal,
  })
  if (!answer.ok) {
    await answer.body?.cancel()
    throw unreadable()
  }
  const whole = await readWhole(answer.body, maxBodyBytes)
  if (whole === undefined) throw tooLarge(maxBodyBytes)
  return whole
}

const lineFeed = 10
// Bytes that are parsed between two pauses. The parser of a long line yields by itself.
const pace = 128 * 1024

/**
 * Collects the ids in the lines of a file. Yields at points where other work may run.
 *
 * @param place how to read a line
 */
function* readLines(bytes: Uint8Array, place: Place): Generator<undefined, BodyNames> {
  const names = emptyNames()
  const carried = emptyNames()
  for (let start = 0, pauseAt = pace; start < bytes.length; ) {
    const end = bytes.indexOf(lineFeed, start)
    const line = bytes.subarray(start, end === -1 ? bytes.length : end)
    start += line.length + 1
    if (start > pauseAt) {
      pauseAt = start + pace
      yield
    }
    if (line.every(isBlank)) continue
    const found = yield* readBodyNames(line, true, place)
    for (const kind of namedKinds) {
      for (const id of found.names[kind]) names[kind].add(id)
      for (const id of found.carried[kind]) carried[kind].add(id)
    }
    if (found.readsAll) throw wrongLine()
    const count = namedKinds.reduce((sum, kind) => sum + names[kind].size + carried[kind].size, 0)
    if (count > mostNames) throw tooManyNames()
  }
  return { ...noBodyNames, names: toLists(names), carried: toLists(carried) }
}

/** Whether a byte is a blank, a tab or a carriage return. */
function isBlank(byte: number): boolean {
  return byte === 13 || byte === 32 || byte === 9
}

/** The error for a line that is no request for a new answer. */
function wrongLine(): CfileError {
  return new CfileError('invalid_request', 'A line of the batch is not served here.', {
    param: 'input_file_id',
    hint: 'Give each line "method": "POST", a "url" such as "/v1/responses", and an object as "body".',
  })
}

/** The error for a file of lines that is missing, is named twice or cannot be read. */
function unreadable(): CfileError {
  return new CfileError('invalid_request', 'The file that the request runs cannot be read.', {
    hint: 'Upload it as a file of JSON lines, and name that one file as "input_file_id" of a batch or as "source" of an eval.',
  })
}

/**
 * The error for a file of lines above `CFILE_MAX_BODY_BYTES`.
 *
 * @param limit bytes that are read
 */
function tooLarge(limit: number): CfileError {
  return new CfileError(
    'payload_too_large',
    `The file that the request runs is larger than the ${limit} bytes that are read.`,
    { param: 'CFILE_MAX_BODY_BYTES' },
  )
}
