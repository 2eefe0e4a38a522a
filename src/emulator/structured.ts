/**
 * Structured outputs: an answer's text as JSON that fits `text.format`.
 *
 * @see https://platform.openai.com/docs/guides/structured-outputs
 * @module
 */

import { invalidRequest, isJson, type Json, missingParameter } from './json.ts'

/** The schema of the text; `undefined` for plain text. */
export type Format = { readonly schema: unknown } | undefined

/**
 * Reads `text.format`.
 *
 * @param text the parameter `text` of the request
 * @throws Refusal 400 as the service refuses
 */
export function readFormat(text: unknown): Format {
  const format = isJson(text) ? text.format : undefined
  if (!isJson(format) || format.type === 'text') return undefined
  if (format.type === 'json_object') {
    return { schema: { type: 'object', properties: { answer: { type: 'string' } } } }
  }
  if (format.type !== 'json_schema') {
    throw invalidRequest(400, `Invalid value: '${format.type}'.`, 'text.format.type')
  }
  if (typeof format.name !== 'string') throw missingParameter('text.format.name')
  if (!isJson(format.schema)) throw missingParameter('text.format.schema')
  return { schema: format.schema }
}

/** Text as JSON, and the place of the plain text in it. */
interface Structured {
  readonly text: string
  /** Returns the beginning of the JSON up to the end of the beginning of the plain text; `undefined` if it has no place. */
  upTo(plain: string): string | undefined
}

/**
 * Makes JSON that fits a schema. The first string that may hold any text holds the plain text.
 *
 * @param schema JSON Schema of the request, of any shape
 * @param plain text of the answer
 */
export function structure(schema: unknown, plain: string): Structured {
  const marker = '\uE000'
  const value = exampleOf({ root: schema, text: marker, depth: 0 }, schema)
  const json = JSON.stringify(value)
  const at = json.indexOf(marker)
  const inside = (text: string): string => JSON.stringify(text).slice(1, -1)
  const head = json.slice(0, at)
  if (at < 0) return { text: json, upTo: () => undefined }
  // All strings but the first get a word.
  const tail = json.slice(at + marker.length).replaceAll(marker, 'text')
  return { text: head + inside(plain) + tail, upTo: (part) => head + inside(part) }
}

interface Making {
  readonly root: unknown
  readonly text: string
  readonly depth: number
}

// Schemas may be recursive. Below this depth, optional parts are left out.
const deepest = 5

/**
 * A value that fits a schema.
 *
 * @param schema a schema, or any other value for a text
 */
function exampleOf(making: Making, schema: unknown): unknown {
  if (!isJson(schema)) return making.text
  if (schema.const !== undefined) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0]
  if (typeof schema.$ref === 'string') {
    return exampleOf(deeper(making), resolve(making.root, schema.$ref))
  }
  for (const key of ['anyOf', 'oneOf', 'allOf']) {
    const choices = schema[key]
    if (!Array.isArray(choices)) continue
    const all = { ...schema, [key]: undefined }
    if (key === 'allOf') return exampleOf(making, Object.assign({}, all, ...choices))
    const isNull = choices.find((choice) => isJson(choice) && choice.type === 'null')
    return exampleOf(making, making.depth > deepest ? (isNull ?? choices[0]) : choices[0])
  }
  return ofType(making, typeOf(making, schema), schema)
}

const deeper = (making: Making): Making => ({ ...making, depth: making.depth + 1 })

/** The type to make. Below {@link deepest} levels `null` is preferred, which ends a recursion. */
function typeOf({ depth }: Making, { type, properties, items }: Json): unknown {
  if (Array.isArray(type)) return depth > deepest && type.includes('null') ? 'null' : type[0]
  return type ?? (properties !== undefined ? 'object' : items !== undefined ? 'array' : 'string')
}

function ofType(making: Making, type: unknown, schema: Json): unknown {
  switch (type) {
    case 'object':
      return objectFor(making, schema)
    case 'array':
      return arrayFor(making, schema)
    case 'integer':
    case 'number':
      return numberFor(schema, type === 'integer')
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return stringFor(making, schema)
  }
}

/** An object with all its properties; below {@link deepest} levels only with the required ones. */
function objectFor(making: Making, { properties, required }: Json): object {
  const names = Array.isArray(required) ? required : []
  const entries = Object.entries(isJson(properties) ? properties : {})
    .filter(([name]) => making.depth <= deepest || names.includes(name))
    .map(([name, property]) => [name, exampleOf(deeper(making), property)])
  return Object.fromEntries(entries)
}

/** An array with one element, or as many as it must have. */
function arrayFor(making: Making, { items, minItems, maxItems }: Json): unknown[] {
  const usual = making.depth > deepest ? 0 : 1
  const count = Math.max(Number(minItems ?? 0), Math.min(usual, Number(maxItems ?? usual)))
  return Array.from({ length: count }, () => exampleOf(deeper(making), items))
}

/** A number within the bounds and on the step: the lowest if there is a lower bound. */
function numberFor(schema: Json, isInteger: boolean): number {
  const step = Number(schema.multipleOf ?? (isInteger ? 1 : 0.5))
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum } = schema
  const from = Math.max(Number(minimum ?? -Infinity), Number(exclusiveMinimum ?? -Infinity))
  const to = Math.min(Number(maximum ?? Infinity), Number(exclusiveMaximum ?? Infinity))
  const start = Number.isFinite(from) ? from : Number.isFinite(to) ? Math.min(0, to) : 0
  const isUp = Number.isFinite(from) || !Number.isFinite(to)
  let value = (isUp ? Math.ceil(start / step) : Math.floor(start / step)) * step
  if (value === exclusiveMinimum) value += step
  if (value === exclusiveMaximum) value -= step
  return value
}

const ofFormat: Readonly<Record<string, string>> = {
  'date-time': '2026-01-02T03:04:05Z',
  date: '2026-01-02',
  time: '03:04:05Z',
  duration: 'P1D',
  email: 'somebody@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uuid: '123e4567-e89b-42d3-a456-426614174000',
  uri: 'https://example.com/',
}

/** A text of the wanted format or length. */
function stringFor(making: Making, { format, minLength, maxLength, pattern }: Json): string {
  const formatted = ofFormat[String(format)]
  if (formatted !== undefined) return formatted
  // Patterns are not supported; a word matches most of them.
  if (pattern !== undefined || maxLength !== undefined || minLength !== undefined) {
    const most = Number(maxLength ?? Math.max(4, Number(minLength ?? 0)))
    return 'text'.padEnd(Number(minLength ?? 0), '.').slice(0, most)
  }
  return making.text
}

/** Follows `#` and `#/$defs/name`. */
function resolve(root: unknown, ref: string): unknown {
  let found = root
  for (const part of ref.split('/').slice(1)) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    found = isJson(found) ? found[name] : undefined
  }
  return found
}
