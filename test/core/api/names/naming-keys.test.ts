import { describe, expect, it } from 'vitest'
import { readBodyNames } from '../../../../src/core/api/names/body-names.ts'
import { isLookalike, namingKeys } from '../../../../src/core/api/names/naming-keys.ts'
import {
  bodyIds,
  bodyOwnKeys,
  toolIds,
  toolOwnKeys,
  toolPlaces,
} from '../../../fixtures/body-keys.ts'
import { atOnce } from '../../../lib/at-once.ts'

// Reviewed: none of these ids gives access to a thing of an owner.
const harmless: readonly (readonly [path: RegExp, why: string])[] = [
  [/(?:^|\.)(?:tool_)?call_id$/, 'it ties a result to its call, inside one body'],
  [/\.caller_id$/, 'it ties a call to its caller, inside one body'],
  [/\.tool_calls\.\*\.id$/, 'it ties a result to its call, inside one body'],
  [/_safety_checks\.\*\.id$/, 'it repeats what a call said, inside one body'],
  [/\.(?:connector|tunnel)_id$/, 'a service of the operator’s, with its own credential'],
  [/(?:^|\.)(?:group|user|role|external_key)_id$/, 'the administration of an organisation'],
  [/^(?:certificate|model|project)_ids$/, 'the administration of an organisation'],
]

/** A body with a value at a path. */
function bodyAt(path: string, value: unknown): unknown {
  return path.split('.').reduceRight<unknown>((inner, key) => {
    return key === '*' ? [inner] : { [key === '{}' ? 'my key' : key]: inner }
  }, value)
}

function named(body: unknown): string[] {
  const bytes = new TextEncoder().encode(JSON.stringify(body))
  return Object.values(atOnce(readBodyNames(bytes)).names).flat()
}

/** Whether an id at a path is found, of the kind that its key requires. */
function isNamed(path: string): boolean {
  return ['file-1', 'cntr_1', 'vs_1', 'thing_1'].some((id) => {
    try {
      return named(bodyAt(path, path.endsWith('_ids') ? [id] : id)).includes(id)
    } catch {
      return false
    }
  })
}

const below = (paths: readonly string[]) =>
  toolPlaces.flatMap((place) => paths.map((path) => place + path))

describe('every id that the API accepts', () => {
  it('is read, or is known to give access to nothing', () => {
    const isHarmless = (path: string) => harmless.some(([pattern]) => pattern.test(path))
    const ids = [...bodyIds, ...below(toolIds)]
    expect(ids.filter((path) => !isHarmless(path) && !isNamed(path))).toEqual([])
    // A path that is read needs no exception.
    expect(ids.filter((path) => isHarmless(path) && isNamed(path))).toEqual([])
  })

  it('is read below `items` as below `input`', () => {
    const inputs = bodyIds.filter((path) => path.startsWith('input.') && isNamed(path))
    expect(
      inputs.map((path) => path.replace('input', 'items')).filter((path) => !isNamed(path)),
    ).toEqual([])
  })
})

describe('keys of the caller', () => {
  it('are not read as ids and are not refused, at any place where the API allows them', () => {
    const own = { file_id: 'a text', File_ID: 'x', container: 17, file_ids: 'y' }
    for (const path of [...bodyOwnKeys, ...below(toolOwnKeys)]) {
      expect(named(bodyAt(path, own)), path).toEqual([])
    }
  })
})

describe('a key that looks like a naming key', () => {
  it('is distinguished from a key that is only similar', () => {
    for (const key of namingKeys.keys()) {
      expect(isLookalike(key)).toBe(false)
      for (const other of [
        key.toUpperCase(),
        `${key} `,
        `${key}\0`,
        `${key}[]`,
        key.replace('i', '\u0131i').replace('\u0131i', 'I'),
      ]) {
        if (other !== key) expect(isLookalike(other), other).toBe(true)
      }
    }
    for (const key of ['files', 'File', 'X-File-Id', 'identity', 'fileName', 'Type']) {
      expect(isLookalike(key), key).toBe(key === 'File' || key === 'Type')
    }
  })
})
