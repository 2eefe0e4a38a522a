/** Targets that parse what callers send. */

import { readBodyNames } from '../../../src/core/api/names/body-names.ts'
import { isCfileError } from '../../../src/core/errors.ts'
import { parseFormBoundary, watchForm } from '../../../src/core/http/form-fields.ts'
import { contentRange, parseRange } from '../../../src/core/http/range.ts'
import {
  idCreatedAt,
  isContainerId,
  isId,
  parseContainerId,
  parseFileId,
} from '../../../src/core/ids.ts'
import { scanJson } from '../../../src/core/json/scan.ts'
import { parseText } from '../../../src/core/json/value.ts'
import { createSigner } from '../../../src/core/links/signer.ts'
import { readPayload, splitLink } from '../../../src/core/links/spelling.ts'
import { createWebhookVerifier } from '../../../src/gateway/capture/webhook.ts'
import { check, isSame, pieces, refusable, run, streamOf, type Targets, textOf } from './lib.ts'

const encoder = new TextEncoder()
const secret = new Uint8Array(32).fill(1)
const signer = createSigner([{ kid: 'one', secret }])
const verifyWebhook = createWebhookVerifier([secret])

export const requestTargets: Targets = {
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

  names(bytes) {
    const read = refusable(() => run(readBodyNames(bytes)))
    const value = parseText(textOf(bytes))
    if (read === undefined || typeof value !== 'object' || value === null) return
    const { previous_response_id, tools } = value as { [name: string]: unknown }
    if (typeof previous_response_id === 'string') {
      check(read.names.response.includes(previous_response_id), 'an earlier answer is named')
    }
    for (const tool of Array.isArray(tools) ? tools : []) {
      const container = tool?.container
      if (tool?.type !== 'code_interpreter' || !isContainerId(container)) continue
      check(read.names.container.includes(container), 'the container of a tool is named')
    }
  },

  range(bytes) {
    const size = (bytes[0] ?? 0) * 3
    const range = parseRange(textOf(bytes.subarray(1)), size)
    if (typeof range === 'string') return
    const { start, end } = range
    check(0 <= start && start <= end && end < size, 'a range lies in the file')
    check(/^bytes \d+-\d+\/\d+$/.test(contentRange(range, size)), 'it is written in digits')
  },

  async multipart(bytes) {
    const boundary = refusable(() =>
      parseFormBoundary(`multipart/form-data; boundary=${textOf(bytes.subarray(0, 8))}`),
    )
    const body = async (chunks: Iterable<Uint8Array<ArrayBuffer>>) => {
      const names: string[] = []
      const watch = watchForm(boundary ?? 'b', {
        maxBytes(part) {
          names.push(String(part.name))
          return 100
        },
        receive: async () => {},
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

  payload(bytes) {
    const payload = readPayload(Buffer.from(bytes).toString('base64url'))
    splitLink(textOf(bytes))
    if (payload === undefined) return
    const { grant, kid } = payload
    check(Number.isSafeInteger(grant.expiresAt), 'an expiry is a whole number')
    check(typeof kid === 'string', 'a payload names its key')
    check(grant.kind !== 'file' || isId(grant.fileId), 'a link to a file has its id')
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
}
