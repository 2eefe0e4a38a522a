/**
 * Bodies with ids of another owner in many spellings that may confuse a parser, and a gateway that reports whether the
 * upstream got any of them.
 */

import fc from 'fast-check'
import { apiKey } from '../../../../src/azure/credentials.ts'
import { openCallers } from '../../../lib/callers.ts'

/** Ids that bob does not own. */
export const foreign: ReadonlySet<string> = new Set([
  'cntr_ann',
  'resp_ann',
  'conv_ann',
  'file-ann',
  'cfile_ann',
  'asst_ann',
  'pmpt_ann',
])

const keys = [
  ...['previous_response_id', 'conversation', 'container', 'container_id', 'file_id', 'file_ids'],
  ...['input_file_id', 'assistant_id', 'prompt', 'file', 'source', 'vector_store_ids'],
  ...['input', 'content', 'tools', 'type', 'id', 'metadata', 'annotations', 'parameters', 'text'],
  ...['results', 'environment', 'place'],
]
const spoiledKeys = keys.flatMap((key) => [
  key.toUpperCase(),
  `${key} `,
  `${key}\0`,
  key.replace('i', '\u0130'),
])
const key = fc.oneof(
  { weight: 25, arbitrary: fc.constantFrom(...keys) },
  { weight: 1, arbitrary: fc.constantFrom(...spoiledKeys) },
)

const id = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...foreign) },
  { weight: 2, arbitrary: fc.constantFrom('cntr_bob', 'resp_bob', 'vs_all') },
  { weight: 1, arbitrary: fc.constantFrom(...foreign).map((one) => ` ${one}\n`) },
)
const scalar = fc.oneof(
  id,
  fc.constantFrom<unknown>(
    null,
    true,
    1,
    'output_text',
    'input_text',
    'item_reference',
    'file_search_call',
    'a text',
  ),
)

/** An object as a list of members, so that a key can occur twice. */
export interface Members {
  readonly members: readonly (readonly [key: string, value: Written])[]
}
export type Written = Members | readonly Written[] | unknown

const { tree } = fc.letrec<{ tree: Written; object: Members }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    tie('object'),
    fc.array(tie('tree'), { maxLength: 3 }),
  ),
  object: fc
    .array(fc.tuple(key, tie('tree')), { maxLength: 4 })
    .map((members): Members => ({ members })),
}))

const body = fc
  .array(fc.tuple(key, tree), { minLength: 1, maxLength: 5 })
  .map((members): Members => ({ members }))

/** Spelling of a body. `odd` parts are taken from a list in turn, so that a body can have several. */
interface Style {
  readonly odd: readonly string[]
  readonly every: number
  readonly isEscaped: boolean
}

const oddities = [
  '',
  '',
  '/* */',
  '// \n',
  '#\n',
  ',',
  '\n',
  '\0',
  'NaN,',
  '\ufeff',
  "''",
  ':',
  '"',
  '\\',
]

const style: fc.Arbitrary<Style> = fc.record({
  odd: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    fc.array(fc.constantFrom(...oddities), { minLength: 1, maxLength: 2 }),
  ),
  every: fc.integer({ min: 1, max: 12 }),
  isEscaped: fc.boolean(),
})

function spell(value: Written, { odd, every, isEscaped }: Style): string {
  let count = 0
  const blank = (): string => {
    count += 1
    return count % every === 0 ? (odd[(count / every) % odd.length] ?? '') : ''
  }
  const text = (one: unknown): string => {
    const json = JSON.stringify(one)
    const toEscape = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
    return isEscaped ? json.replace(/[_ae]/g, toEscape) : json
  }
  const write = (one: Written): string => {
    if (Array.isArray(one)) return `[${blank()}${one.map(write).join(`${blank()},`)}${blank()}]`
    if (typeof one !== 'object' || one === null)
      return typeof one === 'string' ? text(one) : JSON.stringify(one)
    const { members } = one as Members
    const pairs = members.map(
      ([name, inner]) => `${blank()}${text(name)}${blank()}:${write(inner)}`,
    )
    return `{${pairs.join(`${blank()},`)}${blank()}}`
  }
  return write(value) + blank()
}

/** A body with its headers. */
export interface Hostile {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly headers: Record<string, string>
}

const types = [
  ...['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-16'],
  ...['multipart/form-data; boundary=b', 'application/problem+json', ''],
]

interface Flip {
  readonly at: number
  readonly byte: number
  readonly isInserted: boolean
}

const flip: fc.Arbitrary<Flip> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  byte: fc.oneof(
    fc.constantFrom(0, 9, 10, 32, 34, 39, 44, 58, 92, 123, 125, 0x80, 0xff),
    fc.nat(255),
  ),
  isInserted: fc.boolean(),
})

const flips: fc.Arbitrary<readonly Flip[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  fc.array(flip, { minLength: 1, maxLength: 2 }),
)

/** Arbitraries for bodies of all kinds. */
export const hostile: fc.Arbitrary<Hostile> = fc
  .record({
    body,
    style,
    flips,
    coding: fc.oneof(
      { weight: 4, arbitrary: fc.constant('') },
      fc.constantFrom('utf-16le', 'utf-16be', 'bom', 'gzip', 'twice', 'nul'),
    ),
    type: fc.oneof(
      { weight: 6, arbitrary: fc.constant('application/json') },
      fc.constantFrom(...types),
    ),
    isDeclared: fc.boolean(),
  })
  .map(({ body, style, flips, coding, type, isDeclared }) => {
    const bytes = new TextEncoder().encode(spell(body, style))
    const flipped = flips.reduce<Uint8Array<ArrayBuffer>>((old, { at, byte, isInserted }) => {
      const place = Math.floor(at * old.length)
      return Uint8Array.from([
        ...old.subarray(0, place),
        byte,
        ...old.subarray(place + (isInserted ? 0 : 1)),
      ])
    }, bytes)
    const headers: Record<string, string> = { 'content-type': type }
    if (coding === 'gzip' && isDeclared) headers['content-encoding'] = 'gzip'
    return { bytes: encode(flipped, coding), headers }
  })

function encode(bytes: Uint8Array<ArrayBuffer>, coding: string): Uint8Array<ArrayBuffer> {
  const wide = (order: (code: number) => number[]) => Uint8Array.from([...bytes].flatMap(order))
  if (coding === 'utf-16le') return wide((code) => [code, 0])
  if (coding === 'utf-16be') return wide((code) => [0, code])
  if (coding === 'bom') return Uint8Array.from([0xef, 0xbb, 0xbf, ...bytes])
  if (coding === 'twice') return Uint8Array.from([...bytes, ...bytes])
  if (coding === 'nul') return Uint8Array.from([...bytes, 0])
  return coding === 'gzip' ? stored(bytes) : bytes
}

/** gzip without compression (RFC 1951 §3.2.4). The checksum is wrong, so decoders in these tests ignore it. */
function stored(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const [low, high] = [bytes.length & 255, bytes.length >> 8]
  const head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, low, high, low ^ 255, high ^ 255]
  return Uint8Array.from([...head, ...bytes])
}

/** Sends a body as bob. Returns the status, and whether the upstream got anything. */
export type Send = (
  hostile: Hostile,
) => Promise<{ readonly status: number; readonly isSent: boolean }>

/** A gateway before an upstream that accepts everything. */
export async function openTarget(path = '/openai/v1/responses'): Promise<Send> {
  let sent = 0
  const gateway = openCallers({
    upstreams: [
      {
        endpoint: 'http://upstream.localhost',
        credential: apiKey('k'),
        async fetch() {
          sent += 1
          return Response.json({ id: 'resp_new', object: 'response', output: [] })
        },
      },
    ],
  })
  await gateway.give('bob', 'response', 'resp_bob')
  await gateway.give('bob', 'container', 'cntr_bob')
  await gateway.give('ann', 'response', 'resp_ann')
  await gateway.give('ann', 'container', 'cntr_ann')
  for (const file of ['file-ann', 'cfile_ann']) await gateway.give('ann', 'file', file)
  for (const thing of ['asst_ann', 'pmpt_ann']) await gateway.give('ann', 'thing', thing)
  return async ({ bytes, headers }) => {
    const before = sent
    const answer = await gateway.as('bob').ask(path, { method: 'POST', headers, body: bytes })
    await answer.body?.cancel()
    return { status: answer.status, isSent: sent > before }
  }
}
