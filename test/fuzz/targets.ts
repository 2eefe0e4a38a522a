/**
 * What the fuzzer calls: each target parses bytes, and throws if the result breaks a promise.
 */

import { isCfileError } from '../../src/core/errors.ts'
import {
  contentDisposition,
  parseContentDisposition,
} from '../../src/core/http/content-disposition.ts'
import { chooseContentType, contentSecurityPolicy } from '../../src/core/http/content-type.ts'
import { parseFormBoundary, watchForm } from '../../src/core/http/form-fields.ts'
import { contentRange, parseRange } from '../../src/core/http/range.ts'
import { idCreatedAt, isId, parseContainerId, parseFileId } from '../../src/core/ids.ts'
import { splice } from '../../src/core/json/edits.ts'
import { scanJson } from '../../src/core/json/scan.ts'
import { elements, members, rootSpan, type Span } from '../../src/core/json/spans.ts'
import { createSigner } from '../../src/core/links/signer.ts'
import type { LinkMaker } from '../../src/core/rewrite/link-maker.ts'
import { linkAnswer } from '../../src/core/rewrite/linker.ts'
import { createEventLinker } from '../../src/core/rewrite/stream/stream-linker.ts'
import { unlinkBytes } from '../../src/core/rewrite/unlink.ts'
import { throughEvents } from '../../src/core/sse/pump.ts'
import { createSplitter, eventJson, parseEvent } from '../../src/core/sse/split.ts'
import { createWebhookVerifier } from '../../src/gateway/capture/webhook-signature.ts'
import { noMachineIdentity } from '../../src/start/settings/azure.ts'
import { parseSettings } from '../../src/start/settings/settings.ts'

/** Parses bytes. Throws for a broken promise. */
export type Target = (bytes: Uint8Array<ArrayBuffer>) => unknown

const encoder = new TextEncoder()
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

function check(condition: boolean, promise: string): void {
  if (!condition) throw new Error(`broken: ${promise}`)
}

/** The result of a step that may refuse its input with an error of ours; `undefined` if it did. */
function refusable<T>(step: () => T): T | undefined {
  try {
    return step()
  } catch (error) {
    if (!isCfileError(error)) throw error
    return undefined
  }
}

function run<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** The bytes in pieces, whose lengths follow from the bytes themselves. */
function* pieces(bytes: Uint8Array<ArrayBuffer>): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + ((bytes[at] ?? 0) % 7)
    yield bytes.subarray(at, at + length)
    at += length
  }
}

const base = 'https://files.example'
const links: LinkMaker = {
  file: async ({ file_id }) => ({ download_url: `${base}/s/${file_id}`, expires_at: 1 }),
  path: async (container, path) => ({
    download_url: `${base}/s/${container}/${encodeURIComponent(path)}`,
    expires_at: 1,
  }),
}

function streamOf(
  chunks: Iterable<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

async function rewritten(chunks: Iterable<Uint8Array<ArrayBuffer>>): Promise<string> {
  const linked = throughEvents(streamOf(chunks), createEventLinker({ links, mode: 'rewrite' }))
  return new Response(linked).text()
}

const secret = new Uint8Array(32).fill(1)
const signer = createSigner([{ kid: 'one', secret }])
const verifyWebhook = createWebhookVerifier([secret])

export const targets: Readonly<Record<string, Target>> = {
  sse(bytes) {
    const cut = createSplitter()
    const events = [...pieces(bytes)].flatMap((piece) => [...cut.push(piece)])
    events.push(...cut.end())
    check(isSame(Buffer.concat(events), bytes), 'the events are the stream')
    const whole = createSplitter()
    const again = [...whole.push(bytes), ...whole.end()]
    // Cut between CR and LF, an event ends at the CR, and the LF follows alone.
    const texts = (list: readonly Uint8Array[]) =>
      list.map((event) => textOf(event).trim()).filter((text) => text !== '')
    check(texts(events).join('|') === texts(again).join('|'), 'the pieces do not matter')
    for (const event of events) {
      parseEvent(event)
      eventJson(event)
    }
  },

  json(bytes) {
    let depth = 0
    const visitor = new Proxy({}, { get: () => () => undefined })
    const isTaken =
      refusable(() => {
        run(scanJson(bytes, visitor as Parameters<typeof scanJson>[1]))
        return true
      }) ?? false
    let value: unknown
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    } catch {
      check(!isTaken, 'what is taken is JSON')
      return
    }
    // Refused although it is JSON: nested too deeply.
    const measure = (one: unknown, level: number): void => {
      depth = Math.max(depth, level)
      if (level > 1100 || typeof one !== 'object' || one === null) return
      for (const child of Object.values(one)) measure(child, level + 1)
    }
    measure(value, 0)
    check(isTaken || depth >= 1000, 'JSON is taken')
  },

  spans(bytes) {
    const json = textOf(bytes)
    let value: unknown
    try {
      value = JSON.parse(json)
    } catch {
      // Texts that are not JSON may be read wrongly, but they end.
      const root = rootSpan(json)
      void [...members(json, root), ...elements(json, root)]
      return
    }
    const sameAs = (one: Span, wanted: unknown) =>
      check(
        JSON.stringify(JSON.parse(json.slice(one.start, one.end))) === JSON.stringify(wanted),
        'a span is the text of its value',
      )
    const root = rootSpan(json)
    if (root === undefined) return
    sameAs(root, value)
    if (Array.isArray(value)) {
      const spans = [...elements(json, root)]
      check(spans.length === value.length, 'each element has a span')
      for (const [index, span] of spans.entries()) sameAs(span, value[index])
    }
    check(splice(json, []) === json, 'no edit changes nothing')
  },

  range(bytes) {
    const size = (bytes[0] ?? 0) * 3
    const range = parseRange(textOf(bytes.subarray(1)), size)
    if (typeof range === 'string') return
    const { start, end } = range
    check(0 <= start && start <= end && end < size, 'a range lies in the file')
    check(/^bytes \d+-\d+\/\d+$/.test(contentRange(range, size)), 'it is written in digits')
  },

  disposition(bytes) {
    const text = textOf(bytes)
    parseContentDisposition(text)
    const written = contentDisposition(text)
    check(/^[\x20-\x7e]*$/.test(written), 'a header is visible ASCII')
    const { extended } = parseContentDisposition(written)
    check(extended === undefined || !/[\\/\p{Cc}]/u.test(extended), 'a name is no path')
    const type = chooseContentType(text, text)
    check(/^[\x20-\x7e]+$/.test(type), 'a type is visible ASCII')
    check(contentSecurityPolicy(type, false).includes('sandbox'), 'a download has no rights')
  },

  async multipart(bytes) {
    const boundary = refusable(() =>
      parseFormBoundary(`multipart/form-data; boundary=${textOf(bytes.subarray(0, 8))}`),
    )
    const body = async (chunks: Iterable<Uint8Array<ArrayBuffer>>) => {
      const names: string[] = []
      const watch = watchForm(boundary ?? 'b', {
        wants(part) {
          names.push(String(part.name))
          return 100
        },
        take: async () => {},
      })
      const passed = streamOf(chunks).pipeThrough(watch)
      const got = await new Response(passed).arrayBuffer().catch((error: unknown) => {
        if (!isCfileError(error)) throw error
        return undefined
      })
      if (got !== undefined) check(isSame(new Uint8Array(got), bytes), 'a form passes as it is')
      return got === undefined ? 'refused' : names.join()
    }
    check((await body([bytes])) === (await body(pieces(bytes))), 'the pieces do not matter')
  },

  async link(bytes) {
    const token = textOf(bytes)
    try {
      await signer.verify(token, 1_790_000_000)
    } catch (error) {
      if (isCfileError(error)) return
      throw error
    }
    throw new Error('broken: a token that nobody signed is accepted')
  },

  async stream(bytes) {
    const [cut, whole] = [await rewritten(pieces(bytes)), await rewritten([bytes])]
    check(cut === whole, 'the pieces of the stream do not matter')
    const sent = textOf(bytes)
    if (!/sandbox:|_citation|file_path/.test(sent)) check(cut === sent, 'nothing else is changed')
  },

  async answer(bytes) {
    const json = textOf(bytes)
    const linked = await linkAnswer(json, { links, mode: 'rewrite' })
    try {
      JSON.parse(json)
    } catch {
      return
    }
    JSON.parse(linked)
    const sent = encoder.encode(linked)
    const back = textOf(run(unlinkBytes(sent, base)))
    JSON.parse(back)
  },

  async webhook(bytes) {
    const [id = '', timestamp = '', signature = '', body = ''] = textOf(bytes).split('\n')
    const isTaken = await verifyWebhook({ id, timestamp, signature }, encoder.encode(body), 1)
    check(!isTaken, 'a delivery that nobody signed is refused')
  },

  ids(bytes) {
    const text = textOf(bytes)
    const file = refusable(() => parseFileId(text))
    const container = refusable(() => parseContainerId(text))
    check(file === undefined || isId(file.id), 'a file id is an id')
    check(container === undefined || isId(container), 'a container id is an id')
    const made = idCreatedAt(text)
    check(made === undefined || Number.isSafeInteger(made), 'a time is a whole number')
  },

  settings(bytes) {
    const lines = textOf(bytes).split('\n')
    const env = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)))
    refusable(() => parseSettings(env, noMachineIdentity))
  },
}
