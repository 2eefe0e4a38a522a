/**
 * Reads an answer that a back end posts: as the API wrote it, or as an object of LangChain, the AI SDK or the Agents
 * SDK.
 *
 * @see https://docs.langchain.com/oss/javascript/langchain/messages
 * @see https://ai-sdk.dev/docs/reference/ai-sdk-core/generate-text
 * @see https://openai.github.io/openai-agents-python/ref/items/
 * @module
 */

import { isObject } from '../../json/value.ts'
import { getMentions } from './citations.ts'
import { createFindings, type Mentions } from './mentions.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * The mentions in a posted body; `undefined` if it has no known shape.
 *
 * @param body a parsed JSON object
 */
export function readPosted(body: Fields): Mentions | undefined {
  if (isAnswer(body)) return mentionsIn([body, ...sdkParts(body)])
  return isSdkObject(body) ? mentionsIn(sdkParts(body)) : undefined
}

function mentionsIn(values: Iterable<unknown>): Mentions {
  const found = createFindings()
  for (const value of values) found.all(getMentions(value))
  return found.mentions()
}

const partType = /_call(?:_output)?$|_citation$|^(?:message|output_text|file_path|image_file)$/

/**
 * Whether a value has a shape that the API writes and that {@link getMentions} reads. It may cite nothing.
 *
 * @param value a parsed JSON value
 */
export function isAnswer(value: unknown): boolean {
  if (!isObject(value)) return false
  const { object, type, event, data, output, choices, tool_calls, role, content } = value
  if (object === 'list') return Array.isArray(data) && data.every(isOfThread)
  if (object === 'response' || isOfThread(value)) return true
  if (typeof event === 'string' && event.startsWith('thread.')) return true
  if (Array.isArray(choices) || Array.isArray(tool_calls)) return true
  if (typeof type === 'string') return type.startsWith('response.') || partType.test(type)
  const { annotations, container_id, file_id } = value
  return (
    Array.isArray(output) ||
    Array.isArray(annotations) ||
    (role !== undefined && content !== undefined) ||
    (container_id !== undefined && file_id !== undefined)
  )
}

function isOfThread(value: unknown): boolean {
  return isObject(value) && typeof value.object === 'string' && /^thread(?:\.|$)/.test(value.object)
}

/** Fields of SDK objects that hold lists of messages, items, parts and annotations. */
const lists = [
  ...['messages', 'content', 'annotations', 'steps', 'sources', 'parts'],
  ...['new_items', 'newItems', 'raw_responses', 'rawResponses'],
]

/** Fields of SDK objects that hold one message or item. */
const wrapped = ['kwargs', 'raw_item', 'rawItem']

/** Whether a body has a field in which an SDK holds parts of an answer. */
function isSdkObject(body: Fields): boolean {
  const { type, item } = body
  return (
    lists.some((name) => Array.isArray(body[name])) ||
    wrapped.some((name) => isObject(body[name])) ||
    isLangChain(body) ||
    (isObject(item) && isSdkObject(item)) ||
    /^(?:source|citation|non_standard)/.test(String(type))
  )
}

/** Whether a value is a model's message as LangChain's `messages_to_dict` and `toDict` write it. */
function isLangChain({ type, data }: Fields): boolean {
  return /^(?:ai|AIMessageChunk)$/.test(String(type)) && isObject(data)
}

// A real answer has some hundred values. The limits keep a hostile answer from blocking other requests.
const mostValues = 100_000
const deepest = 12

/** The objects in an SDK's answer. Objects that the SDK writes in a form of its own are also yielded in the API's form. */
function* sdkParts(body: Fields): Generator<unknown> {
  let valuesLeft = mostValues
  const waiting: { readonly value: unknown; readonly depth: number }[] = [{ value: body, depth: 0 }]
  for (let next = waiting.pop(); next !== undefined && valuesLeft > 0; next = waiting.pop()) {
    const { value, depth } = next
    valuesLeft -= 1
    if (depth > deepest) continue
    const inner = Array.isArray(value) ? value : isObject(value) ? nestedIn(value) : []
    // Pushed in reverse, so that values are read in the order of appearance.
    for (let index = Math.min(inner.length, valuesLeft) - 1; index >= 0; index -= 1) {
      waiting.push({ value: inner[index], depth: depth + 1 })
    }
    if (!isObject(value) || isInput(value)) continue
    if (depth > 0) yield value
    yield* inApiForm(value)
  }
}

/** The values in an SDK's object that may be parts of an answer. Input of the model is left out. */
function nestedIn(value: Fields): readonly unknown[] {
  if (isInput(value)) return []
  const names = [...lists, ...wrapped, 'item', ...(isLangChain(value) ? ['data'] : [])]
  return names.map((name) => value[name])
}

const inputRole = /^(?:user|human|system|developer|tool)$/

/** Whether a message was sent to the model. */
function isInput({ role, type }: Fields): boolean {
  return inputRole.test(String(role ?? type))
}

function* inApiForm(value: Fields): Generator<unknown> {
  const { type, source, providerData, input } = value
  // LangChain wraps values that it does not know. Its JavaScript version has its own form of a citation.
  if (/^non_standard(?:_annotation)?$/.test(String(type))) yield value.value
  if (type === 'citation' && source === 'container_file_citation') {
    const { container_id, file_id, title } = value
    yield { type: source, container_id, file_id, filename: title }
  }
  // The Agents SDK for JavaScript moves all fields that it does not know into this object.
  if (isObject(providerData)) yield providerData
  for (const metadata of [value.providerMetadata, value.providerOptions]) {
    if (isObject(metadata)) yield* fromProvider(value, metadata)
  }
  // A call of the AI SDK.
  if (isObject(input) && input.containerId !== undefined) {
    yield { type: 'code_interpreter_call', container_id: input.containerId }
  }
}

/** Reads the annotations that the AI SDK keeps in the metadata of a value, by provider (`azure`, `openai`). */
function* fromProvider({ filename, title }: Fields, metadata: Fields): Generator<unknown> {
  for (const provider of Object.values(metadata)) {
    if (!isObject(provider)) continue
    const { type, fileId: file_id, containerId: container_id, annotations } = provider
    if (annotations !== undefined) yield { annotations }
    const name = filename ?? title
    if (type === 'file_path') yield { type, file_id }
    else if (type === 'container_file_citation')
      yield { type, file_id, container_id, filename: name }
  }
}
