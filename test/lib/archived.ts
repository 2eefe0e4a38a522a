/**
 * A gateway that keeps copies, and a check that copies are served in every way, for any archive.
 *
 * @module
 */

import { expect } from 'vitest'
import { memoryArchive } from '../../src/archives/memory.ts'
import type { AppOptions, Upkeep } from '../../src/options.ts'
import { testSha256 } from '../archives/contract.ts'
import {
  type CitedFile,
  type Harness,
  json,
  openHarness,
  responseRequest,
  sha256,
} from './harness.ts'
import { unzip } from './unzip.ts'
import { followWork } from './work.ts'

/** A harness whose background work can be awaited. */
export interface Archived extends Harness {
  /** Resolves when no background work is under way. */
  settled(): Promise<void>
  runUpkeep(): Promise<void>
  /** Shuts the instance down. */
  stop(): Promise<void>
}

/** Opens a gateway with an archive; in memory by default. */
export function openArchived(options: Partial<AppOptions> = {}): Archived {
  const { waitUntil, settle } = followWork()
  let upkeep: Pick<Upkeep, 'run' | 'stop'> = { run: async () => {}, stop: async () => {} }
  const harness = openHarness({
    archive: memoryArchive({ createSha256: testSha256, now: () => 1_790_000_000 }),
    waitUntil,
    schedule(work) {
      upkeep = work
    },
    ...options,
  })
  return {
    ...harness,
    runUpkeep: () => upkeep.run(),
    stop: () => upkeep.stop(),
    settled: settle,
  }
}

type Bytes = Uint8Array<ArrayBuffer>

/** A file as it was served while its container lived. */
interface ServedFile {
  readonly file: CitedFile
  readonly bytes: Bytes
  readonly headers: Headers
  readonly paths: readonly string[]
}

const headersOfWhole = [
  'etag',
  'content-type',
  'content-disposition',
  'content-length',
  'accept-ranges',
]

/**
 * Lets a model write files, expires their container, and downloads each of them in every way.
 *
 * @param gateway signs links that live longer than the wait
 * @param seconds time since the answer
 * @param megabytes size of one of the files; more than one part for engines that upload in parts
 */
export async function outliveContainer(
  gateway: Archived,
  seconds: number,
  megabytes = 1,
): Promise<void> {
  const { ask } = gateway
  const prompt = `Plot it, write a CSV, and save data.bin of ${megabytes} MB.`
  const answer = await ask('/openai/v1/responses', json(responseRequest(prompt)))
  const served = await Promise.all(linkedFiles(await answer.json()).map(serve))
  expect(served.length).toBeGreaterThanOrEqual(3)
  expect(served.some(({ bytes }) => bytes.byteLength === megabytes * 1_000_000)).toBe(true)
  await gateway.settled()
  gateway.advance(seconds)
  const container = `/containers/${served[0]?.file.container_id}`
  expect((await gateway.upstream(`${container}/files`)).ok).toBe(false)

  for (const one of served) for (const path of one.paths) await checkServed(one, path)
  const listed = (await (await ask(`${container}/files`)).json()) as { files: LinkedFile[] }
  expect(idsOf(listed.files)).toEqual(idsOf(served.map(({ file }) => file)))
  for (const { file_id, download_url } of listed.files) {
    const one = served.find(({ file }) => file.file_id === file_id)
    if (one !== undefined) await checkServed(one, pathOf(download_url))
  }
  const zip = unzip(await bytesOf(await ask(`${container}/files.zip`)))
  expect(await hashesOf([...zip.values()])).toEqual(
    await hashesOf(served.map(({ bytes }) => bytes)),
  )

  async function serve({ download_url, ...file }: LinkedFile): Promise<ServedFile> {
    const { container_id, file_id, filename } = file
    const inContainer = `/containers/${container_id}`
    const paths = [
      `/files/${file_id}`,
      `${inContainer}/files/${file_id}`,
      `${inContainer}/path/${filename}`,
      pathOf(download_url),
    ]
    const answer = await ask(paths[0] ?? '')
    const bytes = await bytesOf(answer)
    const original = await gateway.upstream(`${inContainer}/files/${file_id}/content`)
    expect(await hashOf(bytes)).toBe(await hashOf(await bytesOf(original)))
    return { file, bytes, headers: answer.headers, paths }
  }

  async function checkServed({ bytes, headers }: ServedFile, path: string): Promise<void> {
    const size = bytes.byteLength
    const etag = headers.get('etag') ?? ''
    const whole = await ask(path)
    for (const name of headersOfWhole) expect(whole.headers.get(name), path).toBe(headers.get(name))
    expect(whole.headers.get('repr-digest'), path).toBe(await digestOf(bytes))
    expect(await hashOf(await bytesOf(whole)), path).toBe(await hashOf(bytes))
    const head = await ask(path, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')], path).toEqual([200, String(size)])
    expect(head.headers.get('etag'), path).toBe(etag)
    const same = await ask(path, { headers: { 'if-none-match': etag } })
    expect([same.status, same.headers.get('etag')], path).toEqual([304, etag])
    const middle = size >> 1
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 0],
      [`bytes=${middle}-${middle + 9}`, middle, middle + 9],
      ['bytes=-7', size - 7, size - 1],
    ] as const) {
      const part = await ask(path, { headers: { range, 'if-range': etag } })
      expect(part.status, path).toBe(206)
      expect(part.headers.get('content-range')).toBe(`bytes ${start}-${end}/${size}`)
      expect(await bytesOf(part)).toEqual(bytes.slice(start, end + 1))
    }
    const beyond = await ask(path, { headers: { range: `bytes=${size}-` } })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${size}`])
  }
}

interface LinkedFile extends CitedFile {
  readonly download_url: string
}

function linkedFiles(body: unknown): LinkedFile[] {
  const found: LinkedFile[] = []
  JSON.stringify(body, (_, value) => {
    if (value?.type === 'container_file_citation') found.push(value)
    return value
  })
  return found
}

const pathOf = (url: string): string => url.slice(new URL(url).origin.length)
const idsOf = (files: readonly CitedFile[]) => files.map(({ file_id }) => file_id).sort()
const hashOf = (bytes: Bytes): Promise<string> => sha256(bytes.slice().buffer)
const hashesOf = async (all: readonly Bytes[]) => (await Promise.all(all.map(hashOf))).sort()

async function bytesOf(response: Response): Promise<Bytes> {
  expect([200, 206]).toContain(response.status)
  return new Uint8Array(await response.arrayBuffer())
}

async function digestOf(bytes: Bytes): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return `sha-256=:${btoa(String.fromCharCode(...hash))}:`
}
