/**
 * Reads a request for a response, with Azure's checks.
 *
 * @module
 */

import {
  createContainer,
  enterContainer,
  isExpired,
  mountUpload,
  useContainer,
} from './containers.ts'
import {
  containerExpired,
  invalidRequest,
  isJson,
  type Json,
  missingParameter,
  type Refusal,
} from './json.ts'
import type { Container, Emulation, InputItem, World } from './world.ts'

/**
 * Reads the input as items. A text becomes one message of the user.
 *
 * @param input a text or a list of items, as the request has it
 * @param newId makes an id for each item without one
 */
export function readInput(input: unknown, newId: () => string): InputItem[] {
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : input
  if (!Array.isArray(items)) return []
  return items.filter(isJson).map((item) => {
    const { id, content, role, type = 'message', ...rest } = item
    const own = { id: typeof id === 'string' ? id : newId(), type }
    if (type !== 'message') return { ...item, ...own }
    const parts = typeof content === 'string' ? [{ type: 'input_text', text: content }] : content
    return { ...own, status: 'completed', ...rest, content: parts, role }
  })
}

/**
 * Returns the text of the user's last message, which determines the answer.
 *
 * @param items in their order, those of earlier turns first
 */
export function promptOf(items: readonly InputItem[]): string {
  const last = items.findLast(({ role }) => role === 'user')
  const parts = Array.isArray(last?.content) ? last.content.filter(isJson) : []
  return parts
    .map(({ text }) => (typeof text === 'string' ? text : ''))
    .join('\n')
    .toWellFormed()
}

// The fields that the API documents. A gateway has added any other field.
const annotationKeys =
  'type container_id file_id filename start_index end_index index url title'.split(' ')
const textKeys = ['type', 'text', 'annotations', 'logprobs']

/**
 * Checks a replayed answer for fields that Azure refuses.
 *
 * @param input a text or a list of items, as the request has it
 * @param name of the parameter
 * @throws Refusal 400 that names the first unknown field
 */
export function checkReplay(input: unknown, name = 'input'): void {
  if (!Array.isArray(input)) return
  for (const [i, item] of input.entries()) {
    const content = isJson(item) && Array.isArray(item.content) ? item.content : []
    for (const [p, part] of content.entries()) {
      if (!isJson(part) || part.type !== 'output_text') continue
      const place = `${name}[${i}].content[${p}]`
      checkKeys(part, textKeys, place)
      const annotations = Array.isArray(part.annotations) ? part.annotations : []
      for (const [a, annotation] of annotations.entries()) {
        checkKeys(annotation, annotationKeys, `${place}.annotations[${a}]`)
      }
    }
  }
}

/**
 * Refuses an object with a field that the API does not document.
 *
 * @param place of the object, for the message
 * @throws Refusal 400
 */
function checkKeys(value: Json, known: readonly string[], place: string): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    const param = `${place}.${key}`
    throw invalidRequest(400, `Unknown parameter: '${param}'.`, param, 'unknown_parameter')
  }
}

/**
 * Finds or creates the container for the code; `undefined` without a code interpreter.
 *
 * @param world in which the container exists or will exist
 * @param emulation clock and ids
 * @param earlier container of the previous turn
 * @param body of the request, with its tools and its input
 * @throws Refusal 400 for a container that has expired or has a wrong id, 404 for an unknown one
 */
export function containerFor(
  world: World,
  emulation: Emulation,
  { tools, input }: Json,
  earlier: string | undefined,
): Container | undefined {
  const list = Array.isArray(tools) ? tools.filter(isJson) : []
  const index = list.findIndex(({ type }) => type === 'code_interpreter')
  const tool = list[index]
  if (tool === undefined) return undefined
  const { container } = tool
  const param = `tools[${index}].container`
  if (typeof container === 'string') {
    if (container.length > 64) throw tooLong(param, container.length)
    return enterContainer(world, container, emulation.now())
  }
  if (!isJson(container)) throw missingParameter(param)
  const file_ids = Array.isArray(container.file_ids) ? container.file_ids.map(String) : []
  const previous = replayedContainer(world, input, emulation.now()) ?? earlier ?? ''
  const alive = world.containers.get(previous)
  if (alive === undefined) return createContainer(world, emulation, { file_ids })
  // A turn uses the container of the previous turn, and fails if it has expired.
  if (isExpired(alive, emulation.now())) throw containerExpired()
  const paths = Array.from(alive.files.values(), ({ path }) => path)
  for (const id of file_ids) {
    const isMounted = paths.some((path) => path.startsWith(`/mnt/data/${id}-`))
    if (!isMounted) mountUpload(world, emulation, alive, id)
  }
  return useContainer(world, alive.id, emulation.now())
}

function tooLong(param: string, length: number): Refusal {
  const message = `Invalid '${param}': string too long. Expected a string with maximum length 64, but got a string with length ${length} instead.`
  return invalidRequest(400, message, param, 'string_above_max_length')
}

/** Returns the container of the last call in the replayed input. @throws Refusal 400 if it has expired */
function replayedContainer(world: World, input: unknown, now: number): string | undefined {
  const items = Array.isArray(input) ? input.filter(isJson) : []
  const id = items.findLast(({ type }) => type === 'code_interpreter_call')?.container_id
  if (typeof id !== 'string') return undefined
  const container = world.containers.get(id)
  if (container === undefined || !isExpired(container, now)) return id
  throw invalidRequest(400, `Expected container_id: ${id}`)
}
