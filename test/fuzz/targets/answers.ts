/** Targets that parse answers: of Azure, and of the storage of copies. */

import { isDeepStrictEqual } from 'node:util'
import { elementsOf, textOf as textOfElement } from '../../../src/archives/lib/request.ts'
import { citationStream } from '../../../src/core/api/citations/citation-stream.ts'
import { getCitations } from '../../../src/core/api/citations/citations.ts'
import { toStream } from '../../../src/core/bytes/carrier.ts'
import { readBody } from '../../../src/core/bytes/reader.ts'
import {
  contentDisposition,
  parseContentDisposition,
} from '../../../src/core/http/content-disposition.ts'
import { chooseContentType, contentSecurityPolicy } from '../../../src/core/http/content-type.ts'
import { isContainerId } from '../../../src/core/ids.ts'
import { splice } from '../../../src/core/json/edits.ts'
import { elements, members, rootSpan, type Span } from '../../../src/core/json/spans.ts'
import { parseText } from '../../../src/core/json/value.ts'
import type { LinkMaker } from '../../../src/core/rewrite/link-maker.ts'
import { linkAnswer } from '../../../src/core/rewrite/linker.ts'
import { createEventLinker } from '../../../src/core/rewrite/stream/stream-linker.ts'
import { unlinkBytes } from '../../../src/core/rewrite/unlink.ts'
import { throughEvents } from '../../../src/core/sse/pump.ts'
import { createSplitter, eventJson, parseEvent } from '../../../src/core/sse/split.ts'
import { retryAfterMs } from '../../../src/core/time.ts'
import { parseTable } from '../../../src/page/file-preview.ts'
import { check, isSame, pieces, run, streamOf, type Targets, textOf } from './lib.ts'

const encoder = new TextEncoder()
const base = 'https://files.example'
const links: LinkMaker = {
  file: async ({ file_id }) => ({ download_url: `${base}/s/${file_id}`, expires_at: 1 }),
  path: async (container, path) => ({
    download_url: `${base}/s/${container}/${encodeURIComponent(path)}`,
    expires_at: 1,
  }),
}

async function rewritten(chunks: Iterable<Uint8Array<ArrayBuffer>>): Promise<string[]> {
  const linked = throughEvents(
    readBody({ body: streamOf(chunks) }),
    createEventLinker({ links, mode: 'rewrite' }),
  )
  return eventsOf(new Uint8Array(await new Response(toStream(linked)).arrayBuffer()))
}

/**
 * The events of a stream. Blank lines between them are left out: one that arrives alone, as the LF after a CR, is no
 * part of the event before it, and passes an event that is held back.
 */
function eventsOf(stream: Uint8Array<ArrayBuffer>): string[] {
  const cut = createSplitter()
  const events = [...cut.push(stream), ...cut.end()].map((event) => textOf(event).trim())
  return events.filter((event) => event !== '')
}

async function cited(chunks: Iterable<Uint8Array<ArrayBuffer>>): Promise<string> {
  const found: unknown[] = []
  for await (const citation of streamOf(chunks).pipeThrough(citationStream())) found.push(citation)
  return JSON.stringify(found)
}

export const answerTargets: Targets = {
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

  disposition(bytes) {
    const text = textOf(bytes)
    parseContentDisposition(text)
    const written = contentDisposition(text)
    check(/^[\x20-\x7e]*$/.test(written), 'a header is visible ASCII')
    const { extended } = parseContentDisposition(written)
    check(extended === undefined || !/[\\/\p{Cc}]/u.test(extended), 'a name is no path')
    const type = chooseContentType(text, text)
    check(/^[\t\x20-\x7e]+$/.test(type), 'a type is visible ASCII, blanks and tabs')
    check(contentSecurityPolicy(type, false).includes('sandbox'), 'a download has no rights')
  },

  async stream(bytes) {
    const [cut, whole] = [await rewritten(pieces(bytes)), await rewritten([bytes])]
    const sent = eventsOf(bytes)
    check(cut.length === sent.length && whole.length === sent.length, 'no event is lost')
    check(isDeepStrictEqual(cut, whole), 'the pieces of the stream do not matter')
    const isPlain = !/sandbox:|_citation|file_path/.test(textOf(bytes))
    const isKept = isDeepStrictEqual(cut.toSorted(), sent.toSorted())
    check(isKept || !isPlain, 'nothing else is changed')
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

  async citations(bytes) {
    for (const { container_id, file_id } of getCitations(parseText(textOf(bytes)))) {
      check(typeof file_id === 'string' && file_id !== '', 'a citation names a file')
      check(container_id === undefined || isContainerId(container_id), 'a container has its id')
    }
    check((await cited([bytes])) === (await cited(pieces(bytes))), 'the pieces do not matter')
  },

  retry(bytes) {
    const [ms, seconds, date] = textOf(bytes)
      .split('\n')
      .map((line) => line.trim())
    const headers = new Headers()
    for (const [name, value] of Object.entries({
      'retry-after-ms': ms,
      'retry-after': seconds,
      date,
    })) {
      // Node's parser lets no other bytes pass.
      if (value && /^[\t\x20-\x7e]*$/.test(value)) headers.set(name, value)
    }
    const wait = retryAfterMs(headers, 1_790_000_000)
    check(wait === undefined || (Number.isFinite(wait) && wait >= 0), 'a wait is a number of ms')
  },

  xml(bytes) {
    const xml = textOf(bytes)
    textOfElement(xml, 'Code')
    const names = elementsOf(xml, 'Blob').map((blob) => textOfElement(blob, 'Name'))
    check(names.length <= xml.length / 13, 'an element is there')
  },

  table(bytes) {
    const text = textOf(bytes)
    const { rows } = parseTable(text, (bytes[0] ?? 0) % 2 === 0)
    check(rows.length <= 51, 'a preview has few rows')
    check(
      rows.every((row) => row.length <= 30),
      'a row has few cells',
    )
    check(
      rows.flat().every((cell) => cell.length <= 201),
      'a cell is short',
    )
  },
}
