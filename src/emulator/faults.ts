/**
 * Faults on order: `POST /emulator/faults` says which requests go wrong, and how.
 *
 * @module
 */

import { invalidRequest, Refusal } from './errors.ts'
import { type FaultedRequest, faultKinds } from './fault-kinds.ts'
import { isJson, jsonText } from './json.ts'

/** What befalls the requests that match. */
export interface Fault {
  /** `path`: a part of it, or with `*` all of it. @default every request */
  readonly match?: { readonly method?: string; readonly path?: string }
  /** For how many requests. @default 1 */
  readonly times?: number

  // Ways to fail: a request takes one fault that has any; the next such waits for the next request.
  /** A wrong answer by name, see `faultKinds`. */
  readonly kind?: string
  readonly status?: number
  /** As text, or as JSON. */
  readonly body?: unknown
  /** No answer at all. */
  readonly hang?: boolean
  /** The body breaks after so many bytes. */
  readonly cut_after?: number
  /** The body ends after so many bytes as if it were whole. */
  readonly end_after?: number
  /** Nothing follows after so many bytes. */
  readonly stall_after?: number
  /** A file has other bytes of the same length; a number: from that offset on. */
  readonly change_content?: true | number

  // Ways to differ: a request takes all that match.
  readonly delay_ms?: number
  readonly headers?: Readonly<Record<string, string>>
  /** `Range` and `If-Range` are honoured. */
  readonly range?: boolean
  /** Files have one; `true`: of the id, other when the content is. */
  readonly etag?: boolean | string
  readonly no_length?: boolean
}

const failing = [
  'kind',
  'status',
  'body',
  'hang',
  'cut_after',
  'end_after',
  'stall_after',
  'change_content',
] as const
const differing = ['delay_ms', 'headers', 'range', 'etag', 'no_length'] as const
const known: readonly string[] = ['match', 'times', ...failing, ...differing]

/** The faults that wait for their requests. */
export interface FaultList {
  /** Takes one fault or a list; throws a Refusal for what is none, so that no test waits for a typing error. */
  add(body: unknown): void
  /** Those that still wait. */
  list(): readonly Fault[]
  clear(): void
  /** What befalls this request. */
  take(method: string, path: string): Fault
}

/** A list without faults. */
export function createFaults(): FaultList {
  let faults: { fault: Fault; left: number }[] = []
  return {
    add(body) {
      const added = (Array.isArray(body) ? body : [body]).map(readFault)
      faults.push(...added.map((fault) => ({ fault, left: fault.times ?? 1 })))
    },
    list: () => faults.map(({ fault, left }) => ({ ...fault, times: left })),
    clear() {
      faults = []
    },
    take(method, path) {
      let taken: Fault = {}
      for (const entry of faults) {
        if (!matches(entry.fault, method, path)) continue
        if (fails(entry.fault) && fails(taken)) continue
        taken = { ...entry.fault, ...taken }
        entry.left -= 1
      }
      faults = faults.filter(({ left }) => left > 0)
      return taken
    },
  }
}

function readFault(value: unknown): Fault {
  if (!isJson(value)) throw invalidRequest(400, 'A fault is a JSON object.')
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) throw invalidRequest(400, `A fault has no '${key}'.`, key)
  }
  const { kind } = value as Fault
  if (kind !== undefined && faultKinds[kind] === undefined) {
    const kinds = Object.keys(faultKinds).join(', ')
    throw invalidRequest(400, `There is no kind '${kind}'; there are: ${kinds}.`, 'kind')
  }
  return value
}

function fails(fault: Fault): boolean {
  return failing.some((key) => fault[key] !== undefined)
}

function matches({ match = {} }: Fault, method: string, path: string): boolean {
  if (match.method !== undefined && match.method.toUpperCase() !== method) return false
  if (match.path === undefined) return true
  if (!match.path.includes('*')) return path.includes(match.path)
  const literals = match.path.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  return new RegExp(`^${literals.join('.*')}$`).test(path)
}

/** The answer that a fault puts in place of the true one, if it does. */
export function faultedResponse(fault: Fault, request: FaultedRequest): Response | undefined {
  const { kind, status, body } = fault
  if (body !== undefined) return bodyResponse(body, status)
  if (kind === undefined && status === undefined) return undefined
  const named = faultKinds[kind ?? 'server_error']?.(request)
  const answer = named instanceof Refusal ? named.toResponse() : named
  if (status === undefined) return answer
  const isEmpty = status === 204 || status === 304
  return new Response(isEmpty ? null : answer?.body, { status, headers: answer?.headers })
}

function bodyResponse(body: unknown, status = 200): Response {
  const isText = typeof body === 'string'
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json'
  const headers = { 'content-type': type }
  return new Response(isText ? body : jsonText(body), { status, headers })
}
