/**
 * What an answer cites: the container files of Responses objects and their events, files of the Assistants era, and
 * what toolboxes report. Only what the service itself put out counts: echoed input is the caller's word.
 *
 * @module
 */

import { isContainerId } from '../ids.ts'
import { isObject, parseText } from '../json/value.ts'
import { nameInPath } from './container-files.ts'
import { type Citation, createFindings, type Findings, type Mentions } from './mentions.ts'

export type { Citation, ContainerFileCitation, Mentions } from './mentions.ts'

/**
 * The files that an answer cites: a Responses object, one of its events, items, parts or annotations, an Assistants
 * message or a list of them, or a Chat-Completions-shaped object with `tool_calls[].function.output.files`. Anything
 * else cites nothing; it never throws.
 *
 * @example
 * for (const { container_id, file_id, filename } of getCitations(await response.json())) …
 */
export function getCitations(body: unknown): Citation[] {
  return [...getMentions(body).citations]
}

/** Everything that an answer mentions, in one walk that is bounded whatever the answer is. */
export function getMentions(body: unknown): Mentions {
  const walk = startWalk()
  if (isObject(body)) readAnswer(body, walk)
  return walk.found.mentions()
}

type Fields = Readonly<Record<string, unknown>>

/** One reading of one answer, and how much of it is left to do. */
interface Walk {
  readonly found: Findings
  /** The elements of an array; none once enough has been seen. */
  elements(value: unknown): Iterable<unknown>
  /** The value itself, or what it says where it is JSON in a string. */
  unwrap(value: unknown): unknown
}

// A real answer has some hundred elements and little nested JSON; a hostile one must not hold up the others.
const mostElements = 100_000
const mostNestedJson = 2 * 1024 ** 2
const deepestResult = 6

function startWalk(): Walk {
  let elementsLeft = mostElements
  let nestedJsonLeft = mostNestedJson
  return {
    found: createFindings(),
    *elements(value) {
      if (!isArray(value)) return
      for (const element of value) {
        if (elementsLeft === 0) return
        elementsLeft -= 1
        yield element
      }
    },
    unwrap(value) {
      if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
      if (value.length > nestedJsonLeft) return undefined
      nestedJsonLeft -= value.length
      return parseText(value)
    },
  }
}

function readAnswer(body: Fields, walk: Walk): void {
  const { object, type, event, output } = body
  if (object === 'list') {
    // Lists of response items are input as much as output; an assistant's message is its own.
    for (const part of walk.elements(body.data)) readThreadPart(part, walk)
  } else if (object === 'response' || (isBare(body) && isAbsent(type) && isArray(output))) {
    readResponse(body, walk)
  } else if (typeof type === 'string' && type.startsWith('response.')) {
    readEvent(body, walk)
  } else if (typeof event === 'string' && event.startsWith('thread.')) {
    // As SDKs hand on the events of an Assistants stream.
    readThreadPart(body.data, walk)
  } else {
    readThreadPart(body, walk)
    readToolCalls(body, walk)
    if (isBare(body)) readFragment(body, walk)
  }
}

/** Whatever names its kind as `object` is a thing of the API, which may hold echoed input, as a compaction does. */
function isBare({ object }: Fields): boolean {
  return isAbsent(object)
}

function readResponse(response: Fields, walk: Walk): void {
  const { id, output, tools, previous_response_id: previous } = response
  const conversation = isObject(response.conversation)
    ? response.conversation.id
    : response.conversation
  walk.found.response(id)
  walk.found.conversation(conversation)
  let container = isArray(tools) ? tools.map(containerOfTool).find(isContainerId) : undefined
  for (const item of walk.elements(output)) {
    readOutputItem(item, walk)
    container = containerOfCall(item) ?? container
  }
  walk.found.turn({ response: id, previous, conversation, container })
}

function readOutputItem(item: unknown, walk: Walk): void {
  if (isObject(item) && isOwnWord(item)) walk.found.item(item.id)
  readItem(item, walk)
}

/** The container that a tool of a response names; `auto` names none. */
export function containerOfTool(tool: unknown): string | undefined {
  if (!isObject(tool)) return undefined
  const { container = tool.environment } = tool
  const id = isObject(container) ? container.container_id : container
  return isContainerId(id) ? id : undefined
}

/** The container in which a call ran, or of which a toolbox's result tells; `undefined` for any other item. */
export function containerOfCall(item: unknown): string | undefined {
  if (!isObject(item)) return undefined
  const { type, container_id, environment } = item
  if (typeof type !== 'string' || !/_call(?:_output)?$/.test(type)) return undefined
  const id = container_id ?? (isObject(environment) ? environment.container_id : undefined)
  if (isContainerId(id)) return id
  return toolResult.test(type) ? getMentions(item).containers.at(-1) : undefined
}

/** `response.created` to `response.failed`, `output_item.*`, `content_part.*`, `output_text.annotation.added`. */
function readEvent({ response, item, part, annotation }: Fields, walk: Walk): void {
  if (isObject(response)) readResponse(response, walk)
  readOutputItem(item, walk)
  readPart(part, walk)
  readAnnotation(annotation, walk)
}

/** An item, a part or an annotation that stands alone. */
function readFragment(fragment: Fields, walk: Walk): void {
  readItem(fragment, walk)
  readPart(fragment, walk)
  readAnnotation(fragment, walk)
}

const toolResult = /^(?:function_call_output|custom_tool_call_output|mcp_call(?:_output)?)$/

/** A message, a call, or a call's output. */
function readItem(item: unknown, walk: Walk): void {
  if (!isObject(item) || !isOwnWord(item)) return
  const type = typeof item.type === 'string' ? item.type : ''
  if (/_call(?:_output)?$/.test(type)) {
    walk.found.container(item.container_id)
    if (isObject(item.environment)) walk.found.container(item.environment.container_id)
  }
  if (toolResult.test(type)) {
    readToolResult(item.output, walk)
    readMetadata(walk.unwrap(item._meta), walk)
  }
  for (const part of walk.elements(item.content)) readPart(part, walk)
}

/** A thread of the Assistants API, or a run, a step, a message or a delta of one in a stream. */
function readThreadPart(part: unknown, walk: Walk): void {
  if (!isObject(part)) return
  noteThread(part, walk)
  if (part.object === 'thread.message') readItem(part, walk)
  if (part.object === 'thread.message.delta') readItem(part.delta, walk)
}

/** The ids by which a later request may name a thread and its parts. */
function noteThread(
  { object, id, thread_id, run_id, step_details }: Fields,
  { found }: Walk,
): void {
  if (typeof object !== 'string' || !/^thread(?:\.message|\.run|\.run\.step)?$/.test(object)) return
  for (const named of [id, thread_id, run_id]) found.item(named)
  const created = isObject(step_details) ? step_details.message_creation : undefined
  if (isObject(created)) found.item(created.message_id)
}

/** What a user or a developer said is echoed input, wherever it stands. */
function isOwnWord({ role }: Fields): boolean {
  return isAbsent(role) || role === 'assistant'
}

function readPart(part: unknown, walk: Walk): void {
  if (!isObject(part)) return
  readAnnotations(part.annotations, walk)
  // Assistants: the text is an object of its own, and a picture is a part.
  if (isObject(part.text)) readAnnotations(part.text.annotations, walk)
  if (part.type === 'image_file' && isObject(part.image_file)) {
    walk.found.citation({ file_id: part.image_file.file_id })
  }
}

function readAnnotations(annotations: unknown, walk: Walk): void {
  for (const annotation of walk.elements(annotations)) readAnnotation(annotation, walk)
}

function readAnnotation(annotation: unknown, { found }: Walk): void {
  if (!isObject(annotation)) return
  const { type, container_id, file_id, filename, start_index, end_index, file_path } = annotation
  if (type === 'container_file_citation' || (isAbsent(type) && !isAbsent(container_id))) {
    found.citation({ container_id, file_id, filename, start_index, end_index })
  } else if (type === 'file_path') {
    found.citation({
      file_id: isObject(file_path) ? file_path.file_id : file_id,
      filename: filename ?? linkedName(annotation.text),
      start_index,
      end_index,
    })
  }
}

/** An Assistants annotation has no name of its own, but the link that it stands for ends with one. */
function linkedName(link: unknown): string | undefined {
  const isLink = typeof link === 'string' && link.startsWith('sandbox:')
  return isLink ? nameInPath(link) : undefined
}

/** Foundry toolboxes put citations into a result's metadata, which may be JSON in a string, at each level. */
function readToolResult(output: unknown, walk: Walk, depth = 0): void {
  if (depth > deepestResult) return
  const result = walk.unwrap(output)
  for (const part of walk.elements(result)) readToolResult(part, walk, depth + 1)
  if (!isObject(result)) return
  if (isArray(result.container_file_citations)) readMetadata(result, walk)
  readMetadata(walk.unwrap(result._meta), walk)
  readMetadata(walk.unwrap(result.metadata), walk)
  // The parts of a Responses or an MCP result hold their JSON as text.
  readToolResult(result.text, walk, depth + 1)
  if (isArray(result.content)) readToolResult(result.content, walk, depth + 1)
}

function readMetadata(metadata: unknown, walk: Walk): void {
  if (isObject(metadata)) readFiles(metadata, metadata.container_file_citations, walk)
}

/** The shape in which gateways hand on tool results beside chat completions. */
function readToolCalls(body: Fields, walk: Walk): void {
  readMessageCalls(body, walk)
  readMessageCalls(body.message, walk)
  for (const choice of walk.elements(body.choices)) {
    if (!isObject(choice)) continue
    readMessageCalls(choice.message, walk)
    readMessageCalls(choice.delta, walk)
  }
}

function readMessageCalls(message: unknown, walk: Walk): void {
  if (!isObject(message)) return
  for (const call of walk.elements(message.tool_calls)) {
    if (!isObject(call) || !isObject(call.function)) continue
    const output = walk.unwrap(call.function.output)
    if (isObject(output)) readFiles(output, output.files, walk)
  }
}

function readFiles({ container_id }: Fields, files: unknown, walk: Walk): void {
  walk.found.container(container_id)
  for (const file of walk.elements(files)) {
    if (!isObject(file)) continue
    const { file_id, filename } = file
    walk.found.citation({ container_id: file.container_id ?? container_id, file_id, filename })
  }
}

/** Some serialisers write what is not there as `null`. */
function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null
}

function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}
