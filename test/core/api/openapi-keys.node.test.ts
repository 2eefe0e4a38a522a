/** Compares our data about requests with OpenAI's document, if CFILE_OPENAPI gives its path. */

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { socketMessages } from '../../../src/core/api/operations.ts'
import { bodyIds, toolIds, toolPlaces } from '../../fixtures/body-keys.ts'

const document = process.env.CFILE_OPENAPI

interface Schema {
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly enum?: readonly string[]
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
}

interface OpenApi {
  readonly paths: Readonly<
    Record<
      string,
      Record<string, { requestBody?: { content: Record<string, { schema?: Schema }> } }>
    >
  >
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/** Every path to an id in the request bodies of a document. */
function idsIn({ paths, components }: OpenApi): Set<string> {
  const found = new Set<string>()
  function walk(schema: Schema, path: readonly string[], around: ReadonlySet<string>): void {
    const { $ref } = schema
    if ($ref !== undefined) {
      const name = $ref.slice($ref.lastIndexOf('/') + 1)
      if (!around.has(name)) walk(components.schemas[name] ?? {}, path, new Set([...around, name]))
      return
    }
    for (const part of [schema.allOf, schema.anyOf, schema.oneOf].flat()) {
      if (part !== undefined) walk(part, path, around)
    }
    for (const [key, inner] of Object.entries(schema.properties ?? {})) {
      const below = [...path, key]
      if (
        /(?:^|_)ids?$|^(?:container|conversation|consent|(?:training|validation)_file)$/.test(key)
      ) {
        found.add(below.join('.'))
      }
      walk(inner, below, around)
    }
    if (schema.items !== undefined) walk(schema.items, [...path, '*'], around)
    const { additionalProperties: more } = schema
    if (typeof more === 'object') walk(more, [...path, '{}'], around)
  }
  for (const operations of Object.values(paths)) {
    for (const { requestBody } of Object.values(operations)) {
      for (const { schema } of Object.values(requestBody?.content ?? {})) {
        if (schema !== undefined) walk(schema, [], new Set())
      }
    }
  }
  return found
}

describe('the fixture of ids in request bodies', () => {
  it.skipIf(document === undefined)('contains every id of the document in CFILE_OPENAPI', () => {
    const ids = idsIn(JSON.parse(readFileSync(document ?? '', 'utf8')))
    const known = new Set([
      ...bodyIds.flatMap((path) => [path, path.replace(/^input\.\*/, 'items.*')]),
      ...toolPlaces.flatMap((place) => toolIds.map((path) => place + path)),
    ])
    expect(ids.size).toBeGreaterThan(50)
    expect([...ids].filter((path) => !known.has(path))).toEqual([])
  })
})

/** The values of `type` that a schema allows. */
function typesOf({ components }: OpenApi, { $ref, ...schema }: Schema): string[] {
  const named =
    $ref === undefined ? schema : components.schemas[$ref.slice($ref.lastIndexOf('/') + 1)]
  const parts = [named?.allOf, named?.anyOf, named?.oneOf].flatMap((list) => list ?? [])
  const own = named?.properties?.type?.enum ?? []
  return [...own, ...parts.flatMap((part) => typesOf({ components, paths: {} }, part))]
}

describe('the messages that a socket takes', () => {
  it.skipIf(document === undefined)('are those of the document in CFILE_OPENAPI', () => {
    const api: OpenApi = JSON.parse(readFileSync(document ?? '', 'utf8'))
    const events = Object.keys(api.components.schemas).filter((name) =>
      /ResponsesClientEvent$/.test(name),
    )
    const types = events.flatMap((name) => typesOf(api, { $ref: `/${name}` }))
    expect(new Set(types)).toEqual(socketMessages)
  })
})
