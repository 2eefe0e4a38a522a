/**
 * Finds what an answer cites: container files in Responses objects and their events, files of the Assistants API, and
 * files that toolboxes report. Only output of the service counts; echoed input comes from the caller and is ignored.
 *
 * @module
 */

import { isContainerId } from '../../ids.ts'
import { isArray, isObject, parseText } from '../../json/value.ts'
import { nameInPath } from '../container-files.ts'
import {
  type Citation,
  createFindings,
  type Findings,
  type Mentions,
  withReports,
} from './mentions.ts'

export type { Citation, ContainerFileCitation, Mentions } from './mentions.ts'

/**
 * The files that an answer cites. Accepts a Responses object, its events, items, parts or annotations, an Assistants
 * message or a list of them, and an object like a chat completion with `tool_calls[].function.output.files`. Any other
 * value cites nothing. Never throws.
 *
 * @param body parsed JSON
 */
export function getCitations(body: unknown): Citation[] {
  return [...getMentions(body).citations]
}

/** Collects everything that an answer mentions, in one bounded walk. */
export function getMentions(body: unknown): Mentions {
  const walk = startWalk()
  if (isObject(body)) readAnswer(body, walk)
  return withReports(walk.found.mentions(), walk.results.mentions())
}

/**
 * One walk over one answer, with its remaining budget. A real answer has some hundred elements and little nested JSON. The
 * budget keeps a hostile answer from blocking other requests.
 */
interface Walk {
  readonly found: Findings
  /** Mentions in results of tools. */
  readonly results: Findings
  /** The elements of an array; none once the budget is used up. */
  elements(value: unknown): Iterable<unknown>
  /** The value itself, or its parsed content if it is JSON in a string. */
  unwrap(value: unknown): unknown
}

const mostElements = 100_000
const mostNestedJson = 2 * 1024 ** 2

/** Starts a walk that has found nothing. */
function startWalk(): Walk {
  let elementsLeft = mostElements
  let nestedJsonLeft = mostNestedJson
  return {
    found: createFindings(),
    results: createFindings(),
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

type Fields = Readonly<Record<string, unknown>>

function readAnswer(body: Fields, walk: Walk): void {
  const { object, type, event, output } = body
  // API objects that are not read below, such as a compaction, may hold echoed input.
  const isBare = isAbsent(object)
  if (object === 'list') {
    // Lists of response items contain input too. In a list of messages, an assistant's message is output.
    for (const part of walk.elements(body.data)) readThreadPart(part, walk)
  } else if (object === 'response' || (isBare && isAbsent(type) && isArray(output))) {
    readResponse(body, walk)
  } else if (typeof type === 'string' && type.startsWith('response.')) {
    readEvent(body, walk)
  } else if (typeof event === 'string' && event.startsWith('thread.')) {
    // The form in which SDKs pass on the events of an Assistants stream.
    readThreadPart(body.data, walk)
  } else {
    readThreadPart(body, walk)
    readToolCalls(body, walk)
    if (isBare) readFragment(body, walk)
  }
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
  if (isObject(item) && isOutput(item)) {
    walk.found.item(item.id)
    // The next request may repeat the results, but their files need not be the caller's.
    if (item.type === 'file_search_call') readResults(item.results, walk)
  }
  readItem(item, walk)
}

function readResults(results: unknown, walk: Walk): void {
  for (const result of walk.elements(results)) if (isObject(result)) walk.found.item(result.file_id)
}

/** The container that a response's tool names; `undefined` for `auto`. */
export function containerOfTool(tool: unknown): string | undefined {
  if (!isObject(tool)) return undefined
  const { container = tool.environment } = tool
  const id = isObject(container) ? container.container_id : container
  return isContainerId(id) ? id : undefined
}

/** The container in which a call ran, or that a toolbox result reports; `undefined` for any other item. */
export function containerOfCall(item: unknown): string | undefined {
  if (!isObject(item)) return undefined
  const { type, container_id, environment } = item
  if (typeof type !== 'string' || !/_call(?:_output)?$/.test(type)) return undefined
  const id = container_id ?? (isObject(environment) ? environment.container_id : undefined)
  if (isContainerId(id)) return id
  return toolResult.test(type) ? getMentions(item).containers.at(-1) : undefined
}

/** Reads `response.created` to `response.failed`, `output_item.*`, `content_part.*`, `output_text.annotation.added`. */
function readEvent({ response, item, part, annotation }: Fields, walk: Walk): void {
  if (isObject(response)) readResponse(response, walk)
  readOutputItem(item, walk)
  readPart(part, walk)
  readAnnotation(annotation, walk)
}

/** Reads an item, a part or an annotation on its own. */
function readFragment(fragment: Fields, walk: Walk): void {
  readItem(fragment, walk)
  readPart(fragment, walk)
  readAnnotation(fragment, walk)
}

const deepestResult = 6
const toolResult = /^(?:function_call_output|custom_tool_call_output|mcp_call(?:_output)?)$/

/** Reads a message, a call, or a call's output. */
function readItem(item: unknown, walk: Walk): void {
  if (!isObject(item) || !isOutput(item)) return
  const type = typeof item.type === 'string' ? item.type : ''
  if (/_call(?:_output)?$/.test(type)) {
    walk.found.container(item.container_id)
    if (isObject(item.environment)) walk.found.container(item.environment.container_id)
  }
  if (toolResult.test(type)) {
    const reading = { ...walk, found: walk.results }
    readToolResult(item.output, reading)
    readMetadata(walk.unwrap(item._meta), reading)
  }
  for (const part of walk.elements(item.content)) readPart(part, walk)
}

/** Reads a thread, run, step or message of the Assistants API, or a delta of one in a stream. */
function readThreadPart(part: unknown, walk: Walk): void {
  if (!isObject(part)) return
  noteThread(part, walk)
  if (part.object === 'thread.message') readItem(part, walk)
  if (part.object === 'thread.message.delta') readItem(part.delta, walk)
}

/** Records the ids by which a later request may name a thread and its parts. */
function noteThread(
  { object, id, thread_id, run_id, step_details }: Fields,
  { found }: Walk,
): void {
  if (typeof object !== 'string' || !/^thread(?:\.message|\.run|\.run\.step)?$/.test(object)) return
  for (const named of [id, thread_id, run_id]) found.item(named)
  const created = isObject(step_details) ? step_details.message_creation : undefined
  if (isObject(created)) found.item(created.message_id)
}

/** Whether an item is output. Messages of a user or developer are echoed input. */
function isOutput({ role }: Fields): boolean {
  return isAbsent(role) || role === 'assistant'
}

function readPart(part: unknown, walk: Walk): void {
  if (!isObject(part)) return
  readAnnotations(part.annotations, walk)
  // In Assistants messages the text is an object of its own, and a picture is a part.
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
  } else if (type === 'file_citation') {
    // A file that a search found. The caller may repeat the citation, but not read the file.
    found.item(file_id)
  } else if (type === 'file_path') {
    found.citation({
      file_id: isObject(file_path) ? file_path.file_id : file_id,
      filename: filename ?? linkedName(annotation.text),
      start_index,
      end_index,
    })
  }
}

/** Returns the name for an Assistants annotation: it has no name itself, but the link in the text ends with one. */
function linkedName(link: unknown): string | undefined {
  const isLink = typeof link === 'string' && link.startsWith('sandbox:')
  return isLink ? nameInPath(link) : undefined
}

/**
 * Reads a toolbox result. Foundry toolboxes put citations into the result's metadata. Each level may be JSON in a
 * string.
 */
function readToolResult(output: unknown, walk: Walk, depth = 0): void {
  if (depth > deepestResult) return
  const result = walk.unwrap(output)
  for (const part of walk.elements(result)) readToolResult(part, walk, depth + 1)
  if (!isObject(result)) return
  if (isArray(result.container_file_citations) || isContainerId(result.container_id)) {
    readMetadata(result, walk)
  }
  readMetadata(walk.unwrap(result._meta), walk)
  readMetadata(walk.unwrap(result.metadata), walk)
  // The parts of a Responses or an MCP result contain JSON as text.
  readToolResult(result.text, walk, depth + 1)
  if (isArray(result.content)) readToolResult(result.content, walk, depth + 1)
}

function readMetadata(metadata: unknown, walk: Walk): void {
  if (isObject(metadata)) readFiles(metadata, metadata.container_file_citations, walk)
}

/** Reads tool results in the form that gateways add to chat completions. */
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

/** Some serialisers write absent values as `null`. */
function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null
}
