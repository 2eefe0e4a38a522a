/** An emulator with a stopped clock, and short functions for requests to it. */

import { createEmulator, type EmulatorOptions } from '../../src/emulator/emulator.ts'
import type {
  Citation,
  ContainerFileObject,
  OutputText,
  Refusal,
  ResponseObject,
} from '../../src/emulator/shapes.ts'

export const startTime = 1_790_000_000
export const resource = '/openai/v1'
export const project = '/api/projects/p1/openai/v1'

export interface Asking {
  request(path: string, init?: RequestInit): Promise<Response>
  /** Path below `/openai/v1` or another base. */
  get(path: string, base?: string): Promise<Response>
  post(path: string, body: unknown, base?: string): Promise<Response>
  delete(path: string): Promise<Response>
  upload(path: string, file: File, fields?: Record<string, string>): Promise<Response>
  /** An answer with the code interpreter. */
  respond(prompt: string, more?: object): Promise<ResponseObject>
  /** The files that an answer to the prompt cites, without the automatic plots. */
  cited(prompt: string): Promise<Citation[]>
  content(file: Citation, init?: RequestInit): Promise<Response>
  listFiles(containerId: string): Promise<ContainerFileObject[]>
  advance(seconds: number): void
  fault(fault: unknown): Promise<Response>
}

export const autoContainer = [{ type: 'code_interpreter', container: { type: 'auto' } }]

export function openEmulator(options: EmulatorOptions = {}): Asking {
  let time = startTime
  const emulator = createEmulator({ now: () => time, ...options })
  const request = async (path: string, init?: RequestInit) => emulator.request(path, init)
  const asking: Asking = {
    request,
    get: (path, base = resource) => request(base + path),
    post: (path, body, base = resource) => request(base + path, jsonInit(body)),
    delete: (path) => request(resource + path, { method: 'DELETE' }),
    upload(path, file, fields = {}) {
      const form = new FormData()
      for (const [name, value] of Object.entries(fields)) form.set(name, value)
      form.set('file', file)
      return request(resource + path, { method: 'POST', body: form })
    },
    async respond(input, more = {}) {
      const answer = await asking.post('/responses', {
        model: 'gpt-4.1',
        input,
        tools: autoContainer,
        ...more,
      })
      if (answer.status !== 200) throw new Error(await answer.text())
      return (await answer.json()) as ResponseObject
    },
    async cited(prompt) {
      return citationsOf(await asking.respond(prompt)).filter(({ end_index }) => end_index > 0)
    },
    content: ({ container_id, file_id }, init) =>
      request(`${resource}/containers/${container_id}/files/${file_id}/content`, init),
    async listFiles(containerId) {
      const answer = await asking.get(`/containers/${containerId}/files?limit=100&order=asc`)
      return ((await answer.json()) as { data: ContainerFileObject[] }).data
    },
    advance(seconds) {
      time += seconds
    },
    fault: (fault) => request('/emulator/faults', jsonInit(fault)),
  }
  return asking
}

export function jsonInit(body: unknown): RequestInit {
  const headers = { 'content-type': 'application/json' }
  return { method: 'POST', headers, body: JSON.stringify(body) }
}

export function citationsOf(response: ResponseObject): Citation[] {
  return response.output.flatMap((item) =>
    item.type === 'message' ? item.content.flatMap(annotationsOf) : [],
  )
}

export function textOf(response: ResponseObject): string {
  const item = response.output.at(-1)
  const part = item?.type === 'message' ? item.content[0] : undefined
  return part?.type === 'output_text' ? part.text : ''
}

export function annotationsOf(part: OutputText | Refusal): Citation[] {
  return part.type === 'output_text' ? part.annotations : []
}

export function first<T>(list: readonly T[]): T {
  const [one] = list
  if (one === undefined) throw new Error('There is none.')
  return one
}

export async function bytesOf(answer: Response): Promise<Uint8Array> {
  return new Uint8Array(await answer.arrayBuffer())
}

/** Status and body of an error answer. */
export async function refusal(answer: Response): Promise<[status: number, body: unknown]> {
  return [answer.status, await answer.json()]
}

/** The data of each event of a stream, in order, after a check of the framing. */
export function readEvents(text: string): Record<string, unknown>[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? []
      const event = JSON.parse(data ?? 'null')
      if (event?.type !== name) throw new Error(`badly framed: ${block}`)
      return event
    })
}
