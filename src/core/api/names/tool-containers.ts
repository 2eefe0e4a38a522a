/**
 * Reads and replaces the containers of a request's code interpreter and shell tools in its JSON text.
 *
 * @module
 */

import { isContainerId } from '../../ids.ts'
import { type Edit, memberSlot, splice } from '../../json/edits.ts'
import { elements, members, pick, rootSpan, type Span, stringAt } from '../../json/spans.ts'

/**
 * Lists the containers that the tools of a request name, one entry for each tool that runs code; `undefined` stands for a
 * tool whose container the service chooses.
 *
 * @param json text of a request body; anything that is not JSON lists nothing
 */
export function readToolContainers(json: string): readonly (string | undefined)[] {
  return codeTools(json).map((tool) => containerOf(json, tool))
}

/**
 * Sets the containers of tools that run code. All other bytes stay the same.
 *
 * @param json text of a request body
 * @param choose returns the new container for the one that a tool names; `undefined` leaves the tool as it is
 * @returns the same text if nothing was chosen
 */
export function setToolContainers(
  json: string,
  choose: (named: string | undefined) => string | undefined,
): string {
  const edits = codeTools(json).flatMap((tool): Edit[] => {
    const chosen = choose(containerOf(json, tool))
    return chosen === undefined ? [] : [containerEdit(json, tool, chosen)]
  })
  return splice(json, edits)
}

function containerEdit(json: string, tool: Span, containerId: string): Edit {
  const text = JSON.stringify(containerId)
  const isShell = stringAt(json, pick(json, tool, ['type']).type) === 'shell'
  const key = isShell ? 'environment' : 'container'
  const value = isShell ? `{"type":"container_reference","container_id":${text}}` : text
  const known = [...members(json, tool)].findLast((member) => member.key === key)
  return known === undefined
    ? { ...memberSlot(json, tool), text: `,"${key}":${value}` }
    : { ...known.value, text: value }
}

/** The container that a tool names. */
function containerOf(json: string, tool: Span): string | undefined {
  const { container, environment } = pick(json, tool, ['container', 'environment'])
  const named =
    stringAt(json, container) ??
    stringAt(json, pick(json, environment, ['container_id']).container_id)
  return isContainerId(named) ? named : undefined
}

function codeTools(json: string): Span[] {
  const { tools } = pick(json, rootSpan(json), ['tools'])
  return [...elements(json, tools)].filter((tool) => {
    const { type } = pick(json, tool, ['type'])
    return /^(?:code_interpreter|shell)$/.test(stringAt(json, type) ?? '')
  })
}
