/**
 * Reads and replaces the container of a request's code interpreter or shell tool in its JSON text.
 *
 * @module
 */

import { isContainerId } from '../../ids.ts'
import { type Edit, memberSlot, splice } from '../../json/edits.ts'
import { elements, members, pick, rootSpan, type Span, stringAt } from '../../json/spans.ts'

/** The tools of a request that run code. */
export interface CodeTools {
  /** The container that the first tool names; absent if the service chooses one. */
  readonly containerId?: string
}

/** Finds the tools that run code; `undefined` if there are none. */
export function readCodeTools(json: string): CodeTools | undefined {
  const [tool] = codeTools(json)
  if (tool === undefined) return undefined
  const { container, environment } = pick(json, tool, ['container', 'environment'])
  const named =
    stringAt(json, container) ??
    stringAt(json, pick(json, environment, ['container_id']).container_id)
  return { containerId: isContainerId(named) ? named : undefined }
}

/** Sets the container of all tools that run code. All other bytes stay the same. */
export function setToolContainer(json: string, containerId: string): string {
  const text = JSON.stringify(containerId)
  const edits = codeTools(json).map((tool): Edit => {
    const isShell = stringAt(json, pick(json, tool, ['type']).type) === 'shell'
    const key = isShell ? 'environment' : 'container'
    const value = isShell ? `{"type":"container_reference","container_id":${text}}` : text
    const known = [...members(json, tool)].findLast((member) => member.key === key)
    return known === undefined
      ? { ...memberSlot(json, tool), text: `,"${key}":${value}` }
      : { ...known.value, text: value }
  })
  return splice(json, edits)
}

function codeTools(json: string): Span[] {
  const { tools } = pick(json, rootSpan(json), ['tools'])
  return [...elements(json, tools)].filter((tool) => {
    const { type } = pick(json, tool, ['type'])
    return /^(?:code_interpreter|shell)$/.test(stringAt(json, type) ?? '')
  })
}
