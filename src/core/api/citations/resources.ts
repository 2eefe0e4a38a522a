/**
 * Finds the things that an answer of the containers, files, conversations or another API contains.
 *
 * @module
 */

import { isContainerFileId, isContainerId, isFileId, isId } from '../../ids.ts'
import { isObject } from '../../json/value.ts'
import { isGlued, nameInPath } from '../container-files.ts'

/** A thing as its own API describes it. */
export type Resource =
  | { readonly kind: 'container' | 'conversation' | 'thing'; readonly id: string }
  | {
      readonly kind: 'file'
      readonly id: string
      /** Absent for a file of the Files API. */
      readonly container_id?: string
      /** The last part of its path, or its name. */
      readonly stored_name?: string
      readonly bytes?: number
    }

/**
 * The containers, files and conversations in an object or in a list of objects. Other values are skipped.
 *
 * @param body a parsed JSON value: one object of the API, or a list of them
 * @param other the kind for any other object with an id; also returns the files that such an object produced
 */
export function getResources(body: unknown, other?: 'thing'): Resource[] {
  if (!isObject(body)) return []
  const rows = body.object === 'list' && Array.isArray(body.data) ? body.data : [body]
  return rows.flatMap((row) => {
    if (!isObject(row)) return []
    return [toResource(row, other) ?? [], other === undefined ? [] : producedBy(row)].flat()
  })
}

/**
 * The files of a batch, a fine-tuning job or an upload, and the videos of a job. Such an object may be the first answer
 * that names them.
 */
function producedBy({ object, ...row }: Record<string, unknown>): Resource[] {
  const file = (id: unknown): Resource[] => (isFileId(id) ? [{ kind: 'file', id }] : [])
  if (object === 'batch') return [row.output_file_id, row.error_file_id].flatMap(file)
  if (object === 'fine_tuning.job') return asList(row.result_files).flatMap(file)
  if (object === 'upload') return getResources(row.file)
  if (object === 'video.generation.job') return getResources(asPage(row.generations), 'thing')
  return []
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function asPage(value: unknown): object {
  return { object: 'list', data: asList(value) }
}

/** The thing that an object is; `undefined` for an object without a valid id or of an unknown kind. */
function toResource(row: Record<string, unknown>, other?: 'thing'): Resource | undefined {
  const { object, id } = row
  if (other !== undefined) return isId(id) ? { kind: other, id } : undefined
  if (object === 'container' && isContainerId(id)) return { kind: 'container', id }
  if (object === 'conversation' && isId(id)) return { kind: 'conversation', id }
  if (object === 'file' && isFileId(id))
    return { kind: 'file', id, ...described(row, row.filename) }
  if (object !== 'container.file' || !isContainerFileId(id)) return undefined
  const { container_id } = row
  const path = typeof row.path === 'string' ? row.path : ''
  // Such a row has no content.
  if (!isContainerId(container_id) || isGlued({ path })) return undefined
  const name = nameInPath(path)
  return { kind: 'file', id, container_id, ...described(row, name) }
}

/** Name and size of a file, if known. */
function described(row: Record<string, unknown>, name: unknown) {
  return {
    stored_name: typeof name === 'string' && name !== '' ? name : undefined,
    bytes: Number.isSafeInteger(row.bytes) ? Number(row.bytes) : undefined,
  }
}
