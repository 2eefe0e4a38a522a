/**
 * Checks the input file of a batch. The upstream runs its requests with the gateway's credential, so each of them may
 * name only what the caller owns.
 *
 * @see https://platform.openai.com/docs/api-reference/batch/request-input
 * @module
 */

import { type BodyNames, noBodyNames, readBodyNames } from '../../core/api/names/body-names.ts'
import { batchPlace } from '../../core/api/names/body-places.ts'
import {
  emptyNames,
  mostNames,
  namedKinds,
  toLists,
  tooManyNames,
} from '../../core/api/names/named-ids.ts'
import { CfileError } from '../../core/errors.ts'
import { readBounded } from '../../core/http/body.ts'
import { inTurns } from '../../core/time.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { requireOwnBody } from './names.ts'
import type { ProxyRequest } from './request.ts'

/**
 * Checks that the requests in a new batch name only things of the caller. Requests other than `POST /batches` pass
 * unread.
 *
 * @param parsed the parsed request, whose body names the input file
 * @throws CfileError `not_found`, `file_not_found`, `container_not_found` for things of others; `invalid_request` for
 * an input file that cannot be read; `payload_too_large`
 */
export async function requireOwnBatch(
  gateway: Gateway,
  caller: Caller,
  parsed: ProxyRequest,
): Promise<void> {
  const { method, path, signal } = parsed.request
  const isTrusted = !gateway.owners.knowsCallers || caller.admin
  if (isTrusted || method !== 'POST' || path !== '/batches') return
  const lines = await readInput(gateway, parsed)
  const named = await inTurns(gateway.runtime.wait, readLines(lines), signal)
  await requireOwnBody(gateway, caller, named)
}

/** Reads the input file of the batch from its upstream. @throws CfileError `invalid_request`, `payload_too_large` */
async function readInput(
  { bounds: { maxBodyBytes } }: Gateway,
  { request: { signal }, named, route }: ProxyRequest,
): Promise<Uint8Array> {
  const [fileId, another] = named.body.file
  const [upstream] = route.upstreams
  if (fileId === undefined || another !== undefined || upstream === undefined) throw unreadable()
  const answer = await upstream.client.request({
    method: 'GET',
    path: `/files/${fileId}/content`,
    signal,
  })
  const read = answer.ok ? await readBounded(answer.body, maxBodyBytes) : undefined
  if (read === undefined) await answer.body?.cancel()
  else if (read.whole === undefined) await read.stream.cancel()
  else return read.whole
  throw read === undefined ? unreadable() : tooLarge(maxBodyBytes)
}

const lineFeed = 10
// Bytes that are parsed before other requests get a turn. The parser of a long line yields by itself.
const turn = 128 * 1024

/** Collects the ids in the lines of a batch. Yields so that other requests get a turn. */
function* readLines(bytes: Uint8Array): Generator<undefined, BodyNames> {
  const names = emptyNames()
  const carried = emptyNames()
  for (let start = 0, turnEnd = turn; start < bytes.length; ) {
    const end = bytes.indexOf(lineFeed, start)
    const line = bytes.subarray(start, end === -1 ? bytes.length : end)
    start += line.length + 1
    if (start > turnEnd) {
      turnEnd = start + turn
      yield
    }
    if (line.every(isBlank)) continue
    const found = yield* readBodyNames(line, true, batchPlace)
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

/** The error for a batch whose input file is missing, is named twice or cannot be read. */
function unreadable(): CfileError {
  return new CfileError('invalid_request', 'The requests of the batch cannot be read.', {
    param: 'input_file_id',
    hint: 'Upload them as a file of JSON lines, and name that file as "input_file_id".',
  })
}

/**
 * The error for an input file above `CFILE_MAX_BODY_BYTES`.
 *
 * @param limit bytes that are read
 */
function tooLarge(limit: number): CfileError {
  return new CfileError(
    'payload_too_large',
    `The file of the batch is larger than the ${limit} bytes that are read.`,
    { param: 'CFILE_MAX_BODY_BYTES' },
  )
}
