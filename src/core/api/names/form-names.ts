/**
 * Reads which ids the fields of a form name. Fields use the keys of JSON bodies, with brackets for nested values.
 *
 * @module
 */

import type { FormPart } from '../../http/form-head.ts'
import { disguisedField, isDisguised, type NamingKey, namingKeys, noSuchId } from './naming-keys.ts'

/** How to read a field's value: as an id, as JSON under the field's name, or not at all. */
export type FieldReading = { readonly naming: NamingKey } | 'json' | 'nothing'

// API objects that forms carry as JSON.
const objects = new Set(['session', 'video', 'input_reference'])

/**
 * Determines how to read a field.
 *
 * @throws CfileError `invalid_request` for a name that looks like another one, and for a file in place of an id
 */
export function readingOf({ name, isFile, type }: FormPart): FieldReading {
  if (!/^\w+(?:\[\w*\])*$/.test(name)) throw disguisedField(name)
  const keys = name.split(/[[\]]+/).filter((key) => !/^\d*$/.test(key))
  if (keys.some(isDisguised)) throw disguisedField(name)
  const isObject = !isFile && (objects.has(name) || /^application\/json\b/i.test(type))
  if (isObject || name === 'session') return 'json'
  const naming = namingOf(keys)
  if (naming === undefined || (isFile && name === 'file')) return 'nothing'
  if (isFile) throw noSuchId(name, naming)
  return { naming }
}

function namingOf(keys: readonly string[]): NamingKey | undefined {
  const [last = '', ...around] = keys.toReversed()
  for (const key of around) {
    const naming = namingKeys.get(key)
    if (naming?.takes === 'id' || naming?.takes === 'ids') throw noSuchId(key, naming)
  }
  if (last === 'id') return namingKeys.get(around[0] ?? '')
  const naming = namingKeys.get(last)
  // In a form, `prompt` and similar fields are texts.
  return naming?.takes === 'object' ? undefined : naming
}
