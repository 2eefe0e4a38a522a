/**
 * Which container the links in an answer's texts lead to: that of the last call before the text, else the one that the
 * response's tools name, else the one that is recorded for the turn before.
 *
 * @module
 */

import { containerOfCall, containerOfTool } from '../api/citations.ts'
import { isContainerId } from '../ids.ts'
import { elements, pick, type Span, stringAt } from '../json/spans.ts'

/** The turn that a response goes on from, as far as the response names it. */
export interface PreviousTurn {
  readonly responseId?: string
  readonly conversationId?: string
}

/** Gives the container that is recorded for a turn. */
export type RecordedContainer = (turn: PreviousTurn) => Promise<string | undefined>

/** The containers of one answer, known from its items as they are read. */
export interface AnswerContainers {
  /** Takes note of an item of the output. */
  seeItem(json: string, item: Span | undefined, outputIndex: number): void
  /** Takes note of what a response says of itself. */
  seeResponse(json: string, response: Span | undefined): void
  /** The container of the links in the text of an item. */
  find(outputIndex: number): Promise<string | undefined>
}

interface Call {
  readonly outputIndex: number
  readonly containerId: string
}

/** Begins an answer of which nothing has been read. */
export function createAnswerContainers(
  recorded: RecordedContainer = async () => undefined,
): AnswerContainers {
  const agents = new Map<number, string>()
  // All calls, and those of each agent; the empty name has those that name none.
  const calls: Call[] = []
  const callsOf = new Map<string, Call[]>()
  let ofTools: string | undefined
  let previous: PreviousTurn = {}
  let found: Promise<string | undefined> | undefined

  function addCall(call: Call, agent: string): void {
    const own = callsOf.get(agent) ?? []
    callsOf.set(agent, own)
    for (const list of [calls, own]) insert(list, call)
  }

  /** An agent's text goes by the agent's own calls; by any where the item names no agent, or the call does not. */
  function lastCall(outputIndex: number): Call | undefined {
    const agent = agents.get(outputIndex)
    if (agent === undefined) return before(calls, outputIndex)
    const own = before(callsOf.get(agent), outputIndex)
    const unnamed = before(callsOf.get(''), outputIndex)
    return (own?.outputIndex ?? -1) > (unnamed?.outputIndex ?? -1) ? own : unnamed
  }

  return {
    seeItem(json, item, outputIndex) {
      const agent = agentOf(json, item)
      if (agent !== undefined) agents.set(outputIndex, agent)
      const containerId = callContainer(json, item)
      if (containerId !== undefined) addCall({ outputIndex, containerId }, agent ?? '')
    },
    seeResponse(json, response) {
      const { tools, previous_response_id, conversation } = pick(json, response, [
        'tools',
        'previous_response_id',
        'conversation',
      ])
      for (const tool of elements(json, tools)) ofTools ??= containerOfTool(parse(json, tool))
      const conversationId = conversation && pick(json, conversation, ['id']).id
      previous = {
        responseId: stringAt(json, previous_response_id) ?? previous.responseId,
        conversationId: stringAt(json, conversationId ?? conversation) ?? previous.conversationId,
      }
    },
    async find(outputIndex) {
      const known = lastCall(outputIndex)?.containerId ?? ofTools
      if (known !== undefined) return known
      found ??= recorded(previous)
      return found
    },
  }
}

/** Keeps the calls in the order of the output; a call that is seen again is the same call, known better. */
function insert(calls: Call[], call: Call): void {
  let at = calls.length
  while (at > 0 && (calls[at - 1]?.outputIndex ?? 0) > call.outputIndex) at -= 1
  const isKnown = calls[at - 1]?.outputIndex === call.outputIndex
  calls.splice(isKnown ? at - 1 : at, isKnown ? 1 : 0, call)
}

function before(calls: readonly Call[] = [], outputIndex: number): Call | undefined {
  return calls.findLast((call) => call.outputIndex < outputIndex)
}

function agentOf(json: string, item: Span | undefined): string | undefined {
  const { agent } = pick(json, item, ['agent'])
  return stringAt(json, pick(json, agent, ['agent_name']).agent_name) || undefined
}

/** The container in which an item ran code; `undefined` for an item that is no such call, nor the result of one. */
export function callContainer(json: string, item: Span | undefined): string | undefined {
  const { type, container_id, environment } = pick(json, item, keys)
  const kind = stringAt(json, type) ?? ''
  if (!/_call(?:_output)?$/.test(kind)) return undefined
  const id = stringAt(json, container_id ?? pick(json, environment, ['container_id']).container_id)
  if (isContainerId(id)) return id
  // The result of a toolbox tells it in one of many forms. What code showed is not read: it may be large.
  const isResult = kind !== 'code_interpreter_call'
  return isResult ? containerOfCall(parse(json, item)) : undefined
}

const keys = ['type', 'container_id', 'environment'] as const

function parse(json: string, value: Span | undefined): unknown {
  const text = json.slice(value?.start, value?.end)
  try {
    return text.includes('container') ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}
