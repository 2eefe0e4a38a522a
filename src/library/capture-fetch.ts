/**
 * `captureFetch` makes an app that calls Azure itself record the same as a gateway.
 *
 * @module
 */

import { mentionsInEvent } from '../core/api/citations/citation-stream.ts'
import { type Citation, getMentions, type Mentions } from '../core/api/citations/citations.ts'
import { type Operation, operationOf } from '../core/api/operations.ts'
import { concatBytes, parseJson } from '../core/http/body.ts'
import { isEventStreamType, isJsonType } from '../core/http/content-type.ts'
import { createSplitter } from '../core/sse/split.ts'
import { captureOnce, captureThings } from '../gateway/capture/capture.ts'
import { anyone } from '../gateway/gateway.ts'
import { toCaller } from '../gateway/owners/access.ts'
import { webRuntime } from '../runtime.ts'
import type { Store } from '../stores/store.ts'

/** Options of {@link captureFetch}. */
export interface CaptureFetchOptions {
  /** The store to record to. A gateway with the same store finds the records. */
  readonly store: Store
  /** Called with the files that an answer cites, each file once, after they are recorded. */
  readonly onFiles?: (files: readonly Citation[]) => void
  /** Owner of the records. @default the single owner of a gateway that does not distinguish callers */
  readonly owner?: string
  /** Name of the upstream. @default 'default' */
  readonly upstream?: string
  /** Called with an error that prevented recording. The answer passes anyway. */
  readonly onError?: (error: unknown) => void
  /** The current time in unix seconds. @default the system's clock */
  readonly now?: () => number
}

type Fetch = typeof fetch

/**
 * Wraps a fetch so that it records the files that answers of the Responses API cite, and objects that are uploaded, created
 * or listed. Answers are neither delayed nor changed.
 *
 * @param fetch of the SDK or of the runtime
 * @param options store and owner of the records
 *
 * @example
 * new OpenAI({ baseURL, apiKey, fetch: captureFetch(fetch, { store, onFiles: (files) => console.log(files) }) })
 */
export function captureFetch(fetch: Fetch, options: CaptureFetchOptions): Fetch {
  return async (input, init) => {
    const answer = await fetch(input, init)
    const operation = operationAt(input, init)
    if (!answer.ok || answer.body === null || operation === undefined) return answer
    const observer = observerFor(operation, answer, options)
    return observer === undefined ? answer : withObserver(answer, answer.body, observer)
  }
}

/** Reads a body while it passes, without delaying it. */
interface Observer {
  chunk(bytes: Uint8Array): void
  end(): void
}

const apiPath = /\/(?:openai\/v1|openai|v1)(\/.*)$/

/**
 * The operation of a request whose answer is recorded; `undefined` for any other request.
 *
 * @param input first argument of the fetch
 * @param init its second argument
 */
function operationAt(input: string | URL | Request, init?: RequestInit): Operation | undefined {
  const isRequest = typeof input === 'object' && 'url' in input
  const url = isRequest ? input.url : String(input)
  const method = init?.method ?? (isRequest ? input.method : 'GET')
  const path = URL.canParse(url) ? apiPath.exec(new URL(url).pathname)?.[1] : undefined
  const operation = path === undefined ? undefined : operationOf(method.toUpperCase(), path)
  return operation && /^(?:answer|thing|list)$/.test(operation.answerKind) ? operation : undefined
}

/** Creates the observer of an answer; `undefined` for answers with nothing to record. */
function observerFor(
  { answerKind }: Operation,
  { headers }: Response,
  options: CaptureFetchOptions,
): Observer | undefined {
  const record = recorder(options)
  if (isJsonType(headers)) {
    return wholeJson((body) =>
      answerKind === 'answer' ? record.mentions(getMentions(body)) : record.things(body),
    )
  }
  if (answerKind !== 'answer' || !isEventStreamType(headers)) return undefined
  const splitter = createSplitter()
  const read = (events: Iterable<Uint8Array>): void => {
    for (const event of events) record.mentions(mentionsInEvent(event))
  }
  return { chunk: (bytes) => read(splitter.push(bytes)), end: () => read(splitter.end()) }
}

const mostJsonBytes = 64 * 1024 ** 2

/** Collects a JSON body of at most 64 MiB. A larger one passes unread. */
function wholeJson(read: (body: unknown) => void): Observer {
  let chunks: Uint8Array[] = []
  let length = 0
  return {
    chunk(bytes) {
      length += bytes.byteLength
      if (length <= mostJsonBytes) chunks.push(bytes)
      else chunks = []
    },
    end() {
      if (length <= mostJsonBytes) read(parseJson(concatBytes(chunks)))
    },
  }
}

/** Creates functions that record in the background. Errors go to `onError` only. */
function recorder({
  store,
  onFiles,
  owner,
  upstream = 'default',
  onError = () => {},
  now = webRuntime.now,
}: CaptureFetchOptions) {
  const recording = { store, runtime: { now } }
  const caller = owner === undefined ? Promise.resolve(anyone) : toCaller({ owner })
  const source = caller.then((known) => ({ caller: known, upstream }))
  const once = source.then((known) => captureOnce(recording, known))
  const reported = new Set<string>()
  return {
    mentions(mentions: Mentions): void {
      const files = mentions.citations.filter(
        ({ file_id }) => reported.size !== reported.add(file_id).size,
      )
      once
        .then((capture) => capture(mentions))
        .then(() => files.length > 0 && onFiles?.(files))
        .catch(onError)
    },
    things(body: unknown): void {
      source.then((known) => captureThings(recording, known, body)).catch(onError)
    },
  }
}

/** Returns the same answer with an observed body. */
function withObserver(
  answer: Response,
  body: ReadableStream<Uint8Array>,
  observer: Observer,
): Response {
  const passing = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(chunk)
        observer.chunk(chunk)
      },
      flush: () => observer.end(),
    }),
  )
  const same = new Response(passing, answer)
  // The Response constructor cannot set the URL.
  return Object.defineProperty(same, 'url', { value: answer.url })
}
