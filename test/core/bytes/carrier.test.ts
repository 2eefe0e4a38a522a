import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CreateCarrier,
  createWebCarrier,
  denoCarrier,
  type FixedLength,
  largePiecesCarrier,
} from '../../../src/core/bytes/carrier.ts'
import type { OnBodyEnd } from '../../../src/core/bytes/failures.ts'
import { exactLength } from '../../../src/core/bytes/limit.ts'
import {
  type OpenedBody,
  readTransfer,
  type Transfer,
  type TransferMeans,
} from '../../../src/core/bytes/resume.ts'
import { CfileError } from '../../../src/core/errors.ts'
import type { WaitSignal } from '../../../src/core/time.ts'
import { rounds } from '../../lib/rounds.ts'

/** What an upstream does with one request for a file. */
interface Mood {
  readonly ranges?: boolean
  readonly cutAfter?: number
  readonly endAfter?: number
  readonly stallAfter?: number
  /** Other bytes from there on. */
  readonly changedFrom?: number
  /** So many bytes more than the file has. */
  readonly surplus?: number
  readonly refusal?: CfileError
  readonly pieceLength?: number
}

const isWorkerd = 'FixedLengthStream' in globalThis
const fixedLength: FixedLength = (bytes) => {
  const { FixedLengthStream } = globalThis as unknown as {
    FixedLengthStream?: new (bytes: number) => ReadableWritablePair<Uint8Array, Uint8Array>
  }
  return FixedLengthStream ? new FixedLengthStream(bytes) : exactLength(bytes)
}

const ways: [name: string, create: CreateCarrier][] = [
  ['as a stream', createWebCarrier],
  ['in large pieces', largePiecesCarrier(fixedLength, Date.now)],
  ['as a stream of large pieces', denoCarrier(Date.now)],
]

function contentOf(bytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: bytes }, (_, at) => (at * 31 + (at >> 8) * 7) % 251)
}

/** A file whose upstream is in these moods, one request after the other and well in the end. */
function fileOf(content: Uint8Array<ArrayBuffer>, moods: readonly Mood[]) {
  const log = { opened: [] as number[], read: 0, cancelled: 0 }
  const queue = [...moods]

  async function reopen(from: number): Promise<OpenedBody> {
    const mood = queue.shift() ?? {}
    if (mood.refusal !== undefined) throw mood.refusal
    const at = mood.ranges ? from : 0
    log.opened.push(at)
    return { answer: { body: bodyOf(content, at, mood, log, 'bytes') }, at }
  }
  return { log, reopen }
}

function bodyOf(
  content: Uint8Array<ArrayBuffer>,
  at: number,
  mood: Mood,
  log: { read: number; cancelled: number },
  type?: 'bytes',
): ReadableStream<Uint8Array> {
  const { changedFrom = Infinity, surplus = 0, pieceLength = 700 } = mood
  const bytes = content.map((byte, place) => (place >= changedFrom ? byte ^ 1 : byte))
  const whole = new Uint8Array([...bytes.subarray(at), ...new Uint8Array(surplus)])
  const { cutAfter = Infinity, endAfter = Infinity, stallAfter = Infinity } = mood
  const stop = Math.min(cutAfter, endAfter, stallAfter, whole.byteLength)
  let sent = 0
  return new ReadableStream<Uint8Array>(
    {
      type: type as undefined,
      pull(controller) {
        if (sent < stop) {
          const piece = whole.slice(sent, Math.min(stop, sent + pieceLength))
          sent += piece.byteLength
          log.read += piece.byteLength
          return controller.enqueue(piece)
        }
        if (stop === stallAfter) return new Promise(() => {})
        if (stop === cutAfter) return controller.error(new Error('cut'))
        controller.close()
        // A byte stream waits with its end for the read that it answers.
        const { byobRequest } = controller as { byobRequest?: { respond(bytes: number): void } }
        byobRequest?.respond(0)
      },
      cancel() {
        log.cancelled += 1
      },
    },
    { highWaterMark: 0 },
  )
}

const patient: Omit<TransferMeans, 'read'> = {
  wait: async () => {},
  idleMs: 60_000,
  random: () => 0.5,
  signal: new AbortController().signal,
}

async function waitReally(ms: number, signal?: WaitSignal): Promise<void> {
  await new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}

/** A wait in which nothing is ever idle: pauses pass at once, and the watch sleeps. */
const quick: Omit<TransferMeans, 'read'> = {
  ...patient,
  wait: (ms, signal) => (ms >= 15_000 ? waitReally(ms, signal) : Promise.resolve()),
}

function openTransfer(file: ReturnType<typeof fileOf>): Promise<Transfer> {
  return open(file, { start: 0, end: 400_000, size: 400_000 })
}

async function open(
  file: ReturnType<typeof fileOf>,
  terms: Pick<Transfer, 'start' | 'end' | 'size'>,
): Promise<Transfer> {
  const opened = await file.reopen(terms.start)
  return { opened, reopen: file.reopen, most: 10_000_000, ...terms }
}

/** The bytes that came, and whether the stream ended as if they were all. */
async function collect(stream: ReadableStream<Uint8Array>) {
  const pieces: number[] = []
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return { bytes: pieces, isWhole: true }
      for (const byte of value) pieces.push(byte)
    }
  } catch {
    return { bytes: pieces, isWhole: false }
  }
}

describe.each(ways)('a transfer %s', (_, createCarrier) => {
  const carrier = createCarrier({ wait: waitReally, idleMs: 60_000 })
  const carry = (transfer: Transfer, carriage: Omit<TransferMeans, 'read'>) => {
    const { start, end } = transfer
    const headers: Record<string, string> =
      end === undefined ? {} : { 'content-length': String(end - start) }
    const bytes = readTransfer(transfer, { ...carriage, read: carrier.read })
    return carrier.answer(bytes, { headers }).body as ReadableStream<Uint8Array>
  }

  const content = contentOf(10_000)
  const whole = { start: 0, end: 10_000, size: 10_000 }

  it('gives each byte once at any break of the body, with and without ranges', async () => {
    const moods: Mood[][] = [
      [{ cutAfter: 4000 }],
      [{ endAfter: 4000 }],
      [{ cutAfter: 0 }, { cutAfter: 9999 }],
      [{ ranges: true, cutAfter: 6000 }, { ranges: true, cutAfter: 4097 }, { ranges: true }],
      [{ cutAfter: 1 }, { ranges: true, cutAfter: 5000 }, { endAfter: 9000 }, { ranges: true }],
      [{ cutAfter: 9000 }, { cutAfter: 100 }, { cutAfter: 9500 }, { cutAfter: 1 }, { cutAfter: 2 }],
    ]
    for (const mood of moods) {
      const stream = carry(await open(fileOf(content, mood), whole), quick)
      expect(await collect(stream), JSON.stringify(mood)).toEqual({
        bytes: [...content],
        isWhole: true,
      })
    }
  })

  it('breaks when the body breaks off a sixth time', async () => {
    const cuts = Array.from({ length: 6 }, () => ({ cutAfter: 5000 }))
    const { bytes, isWhole } = await collect(carry(await open(fileOf(content, cuts), whole), quick))
    expect(isWhole).toBe(false)
    expect(bytes).toEqual([...content.subarray(0, bytes.length)])
  })

  it('never glues two files together: what was sent must come again the same', async () => {
    for (const changedFrom of [0, 100, 699]) {
      for (const ranges of [true, false]) {
        const file = fileOf(content, [{ cutAfter: 5000 }, { changedFrom, ranges }])
        const { isWhole, bytes } = await collect(carry(await open(file, whole), quick))
        expect(isWhole, `${changedFrom} ${ranges}`).toBe(false)
        expect(bytes).toEqual([...content.subarray(0, bytes.length)])
      }
    }
  })

  it('takes a silent upstream for a cut', async () => {
    const file = fileOf(content, [{ stallAfter: 3000 }])
    const stream = carry(await open(file, whole), { ...patient, wait: waitReally, idleMs: 40 })
    expect(await collect(stream)).toEqual({ bytes: [...content], isWhole: true })
    expect(file.log.opened).toEqual([0, 0])
  })

  it('waits for a slow reader as long as it takes', async () => {
    const file = fileOf(content, [])
    const stream = carry(await open(file, whole), { ...patient, wait: waitReally, idleMs: 20 })
    const reader = stream.getReader()
    const first = await reader.read()
    await waitReally(100)
    reader.releaseLock()
    const rest = await collect(stream)
    expect([...(first.value ?? []), ...rest.bytes]).toEqual([...content])
    expect(file.log.opened).toEqual([0])
  })

  it('ends for a reader that takes nothing for too long, and not for one that is slow', async () => {
    const limited = createCarrier({ wait: waitReally, idleMs: 600 })
    const outcomes: string[] = []
    const open = async (onEnd: OnBodyEnd) => {
      const transfer = await openTransfer(fileOf(contentOf(400_000), [{ pieceLength: 100_000 }]))
      const bytes = readTransfer(transfer, { ...quick, read: limited.read, onEnd })
      const headers = { 'content-length': '400000' }
      return limited.answer(bytes, { headers }).body as ReadableStream<Uint8Array>
    }
    const slow = (await open((bytes, outcome) => outcomes.push(`${bytes} ${outcome}`))).getReader()
    let taken = 0
    for (let piece = await slow.read(); !piece.done; piece = await slow.read()) {
      taken += piece.value.byteLength
      await waitReally(piece.value.byteLength / 400)
    }
    expect([taken, outcomes]).toEqual([400_000, ['400000 done']])
    const still = await open((_, outcome) => outcomes.push(outcome))
    const reader = still.getReader()
    await reader.read()
    await expect.poll(() => outcomes[1], { timeout: 5000 }).toBe('cut_slow')
    reader.releaseLock()
    expect((await collect(still)).isWhole).toBe(false)
  })

  it('does not let a body that goes on look whole', async () => {
    const file = fileOf(content, [{ surplus: 1 }])
    const { bytes, isWhole } = await collect(carry(await open(file, whole), quick))
    expect(isWhole).toBe(false)
    expect(bytes.length).toBeLessThan(content.length)
  })

  it('fails at once if another request cannot help', async () => {
    const gone = new CfileError('file_not_found', 'It was deleted.')
    const file = fileOf(content, [{ cutAfter: 5000 }, { refusal: gone }])
    expect((await collect(carry(await open(file, whole), quick))).isWhole).toBe(false)
    const busy = new CfileError('upstream_error', 'Not now.')
    const later = fileOf(content, [{ cutAfter: 5000 }, { refusal: busy }, { refusal: busy }])
    expect((await collect(carry(await open(later, whole), quick))).isWhole).toBe(true)
  })

  it('passes an empty file, and breaks where it is none', async () => {
    const empty = { start: 0, end: 0, size: 0 }
    const nothing = carry(await open(fileOf(contentOf(0), []), empty), quick)
    expect(await collect(nothing)).toEqual({ bytes: [], isWhole: true })
    const some = carry(await open(fileOf(contentOf(5), []), empty), quick)
    expect((await collect(some)).isWhole).toBe(false)
  })

  it('lets the upstream go as soon as the client does', async () => {
    const large = contentOf(1_000_000)
    const file = fileOf(large, [{ pieceLength: 1000 }])
    const terms = { start: 0, end: large.length, size: large.length }
    const stream = carry(await open(file, terms), quick)
    const reader = stream.getReader()
    await reader.read()
    await reader.cancel()
    await waitReally(10)
    expect(file.log.cancelled).toBe(1)
    expect(file.log.read).toBeLessThan(large.length)
  })

  it('reads no further than a range needs', async () => {
    const file = fileOf(content, [{ pieceLength: 100 }])
    const terms = { start: 950, end: 1250, size: 10_000 }
    const { bytes } = await collect(carry(await open(file, terms), quick))
    expect(bytes).toEqual([...content.subarray(950, 1250)])
    expect(file.log.read).toBe(1300)
    expect(file.log.cancelled).toBe(1)
  })

  it('takes the end of a body as the end of a file of unknown length, up to the limit', async () => {
    const unknown = { start: 0 }
    const file = fileOf(content, [{ cutAfter: 5000 }])
    const all = await collect(carry(await open(file, unknown), quick))
    expect(all).toEqual({ bytes: [...content], isWhole: true })
    const large = { ...(await open(fileOf(content, []), unknown)), most: 9000 }
    expect((await collect(carry(large, quick))).isWhole).toBe(false)
  })

  const mood: fc.Arbitrary<Mood> = fc.record(
    {
      ranges: fc.boolean(),
      cutAfter: fc.nat(3000),
      endAfter: fc.nat(3000),
      pieceLength: fc.integer({ min: 1, max: 1500 }),
    },
    { requiredKeys: ['ranges'] },
  )
  const story = fc.record({
    size: fc.integer({ min: 1, max: 3000 }),
    one: fc.nat(),
    other: fc.nat(),
    moods: fc.array(mood, { maxLength: 6 }),
  })

  it('is always the requested slice, or visibly broken', async () => {
    let isWholeOnce = false
    await fc.assert(
      fc.asyncProperty(story, async ({ size, one, other, moods }) => {
        const [start = 0, last = 0] = [one % size, other % size].sort((a, b) => a - b)
        const bytes = contentOf(size)
        const file = fileOf(bytes, moods)
        const got = await collect(carry(await open(file, { start, end: last + 1, size }), quick))
        const want = [...bytes.subarray(start, last + 1)]
        expect(got.bytes).toEqual(want.slice(0, got.bytes.length))
        expect(got.isWhole ? got.bytes.length : want.length).toBe(want.length)
        isWholeOnce ||= got.isWhole
      }),
      { seed: 11, numRuns: rounds(200) },
    )
    expect(isWholeOnce).toBe(true)
  })
})

it('runs over the real stream of fixed length in workerd', () => {
  expect(isWorkerd).toBe(navigator.userAgent === 'Cloudflare-Workers')
})
