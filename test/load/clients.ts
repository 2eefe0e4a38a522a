/** What the clients of the load test do. Each activity checks what it received. */

import { createHash } from 'node:crypto'
import { WebSocket } from 'ws'
import { codeInterpreter } from '../lib/harness.ts'
import { unzip } from '../lib/unzip.ts'

/** A file whose bytes are known. */
export interface KnownFile {
  readonly container_id: string
  readonly file_id: string
  readonly bytes: number
  readonly sha256: string
  /** Path of its signed link. */
  readonly link: string
}

/** What came of an activity. `wrong` is the only one that must never happen. */
export type Outcome = 'right' | 'refused' | 'broken' | 'left' | 'wrong'

/** Something that a client does once. */
export type Activity = (base: string, file: KnownFile) => Promise<Outcome>

/** Reads an answer whole and compares it with the file. */
async function check(answer: Response, file: KnownFile): Promise<Outcome> {
  if (answer.status !== 200) {
    const { error } = (await answer.json()) as { error?: { code?: string } }
    return error?.code === undefined ? 'wrong' : 'refused'
  }
  const hash = createHash('sha256')
  for await (const piece of answer.body ?? []) hash.update(piece)
  return hash.digest('hex') === file.sha256 ? 'right' : 'wrong'
}

const byId: Activity = async (base, file) =>
  check(await fetch(`${base}/files/${file.file_id}?container_id=${file.container_id}`), file)

const byLink: Activity = async (base, file) => check(await fetch(base + file.link), file)

const checkLink: Activity = async (base, file) => {
  const answer = await fetch(base + file.link, { method: 'HEAD' })
  if (answer.status !== 200) return 'refused'
  return Number(answer.headers.get('content-length')) === file.bytes ? 'right' : 'wrong'
}

/** Asks for the second half of the file. */
const byRange: Activity = async (base, file) => {
  const start = Math.floor(file.bytes / 2)
  const answer = await fetch(base + file.link, { headers: { range: `bytes=${start}-` } })
  if (answer.status !== 206) {
    await answer.body?.cancel()
    return answer.status < 400 ? 'wrong' : 'refused'
  }
  const { byteLength } = await answer.arrayBuffer()
  return byteLength === file.bytes - start ? 'right' : 'wrong'
}

/** Reads with pauses, and then as fast as it can. */
const slowly: Activity = async (base, file) => {
  const answer = await fetch(base + file.link)
  if (answer.status !== 200) return check(answer, file)
  const hash = createHash('sha256')
  let pauses = 20
  for await (const piece of answer.body ?? []) {
    hash.update(piece)
    if (pauses-- > 0) await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return hash.digest('hex') === file.sha256 ? 'right' : 'wrong'
}

const leave: Activity = async (base, file) => {
  const controller = new AbortController()
  setTimeout(() => controller.abort(), Math.random() * 200)
  try {
    const answer = await fetch(base + file.link, { signal: controller.signal })
    await answer.arrayBuffer()
    return 'left'
  } catch {
    return 'left'
  }
}

const zip: Activity = async (base, file) => {
  const answer = await fetch(`${base}/containers/${file.container_id}/files.zip`)
  if (answer.status !== 200) {
    await answer.body?.cancel()
    return 'refused'
  }
  const files = [...unzip(new Uint8Array(await answer.arrayBuffer())).values()]
  const isThere = files.some(
    (bytes) => createHash('sha256').update(bytes).digest('hex') === file.sha256,
  )
  return isThere ? 'right' : 'wrong'
}

const question = (extra: object) =>
  JSON.stringify({
    model: 'gpt-4.1',
    input: 'Save the sales as a CSV',
    tools: codeInterpreter,
    ...extra,
  })

const events: Activity = async (base) => {
  const answer = await fetch(`${base}/openai/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: question({ stream: true }),
  })
  const text = await answer.text()
  if (answer.status !== 200) return 'refused'
  // The stream ended without a transport error, so it must be complete.
  return /event: (?:response\.completed|error)/.test(text) ? 'right' : 'wrong'
}

const socket: Activity = (base) =>
  new Promise((resolve) => {
    const client = new WebSocket(`${base.replace('http', 'ws')}/openai/v1/responses`)
    const end = (outcome: Outcome) => {
      client.close()
      resolve(outcome)
    }
    client.on('open', () => client.send(question({ type: 'response.create' })))
    client.on('message', (data) => {
      const text = String(data)
      if (text.includes('"type":"response.completed"')) end('right')
      if (text.includes('"type":"error"')) end('refused')
    })
    client.on('error', () => resolve('broken'))
    client.on('close', () => resolve('broken'))
  })

/** Every activity. A client picks one at random for each turn. */
export const activities: Readonly<Record<string, Activity>> = {
  byId,
  byLink,
  checkLink,
  byRange,
  slowly,
  leave,
  zip,
  events,
  socket,
}

/** Runs an activity; an error of the transport is a visible break, which a client can see. */
export async function act(activity: Activity, base: string, file: KnownFile): Promise<Outcome> {
  return activity(base, file).catch((error: unknown) => {
    if (error instanceof TypeError || error instanceof DOMException) return 'broken'
    throw error
  })
}
