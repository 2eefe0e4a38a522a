/**
 * Finds the container for the links in an answer's texts. In order of preference: the container of the last call before
 * the text, the container in the response's `tools`, the container recorded for the previous turn.
 *
 * @module
 */

import { containerOfCall, containerOfTool } from '../api/citations/citations.ts'
import { isContainerId } from '../ids.ts'
import { elements, pick, type Span, stringAt } from '../json/spans.ts'
import { parseText } from '../json/value.ts'

/** The ids by which a response names its previous turn. */
export interface PreviousTurn {
  readonly responseId?: string
  readonly conversationId?: string
}

/** Looks up the container that is recorded for a turn. */
export type RecordedContainer = (turn: PreviousTurn) => Promise<string | undefined>

/** The containers of one answer, collected while its items are read. */
export interface AnswerContainers {
  /** Records the container and the agent of an output item. */
  addItem(json: string, item: Span | undefined, outputIndex: number): void
  /** Records the tools and the previous turn of a response. */
  addResponse(json: string, response: Span | undefined): void
  /** Finds the container for the links in the text of an item. */
  find(outputIndex: number): Promise<string | undefined>
}

interface Call {
  readonly outputIndex: number
  readonly containerId: string
}

/**
 * Creates the collector for one answer.
 *
 * @param recorded looks up the container of the previous turn; by default there is none
 */
export function createAnswerContainers(
  recorded: RecordedContainer = async () => undefined,
): AnswerContainers {
  const agents = new Map<number, string>()
  // All calls, and the calls of each agent. The empty name holds calls without an agent.
  const calls: Call[] = []
  const callsOf = new Map<string, Call[]>()
  let toolContainer: string | undefined
  let previous: PreviousTurn = {}
  let found: Promise<string | undefined> | undefined

  function addCall(call: Call, agent: string): void {
    const own = callsOf.get(agent) ?? []
    callsOf.set(agent, own)
    for (const list of [calls, own]) insert(list, call)
  }

  /**
   * The last call before an item. If the item names an agent, only calls of that agent and calls without an agent
   * count.
   */
  function lastCall(outputIndex: number): Call | undefined {
    const agent = agents.get(outputIndex)
    if (agent === undefined) return before(calls, outputIndex)
    const own = before(callsOf.get(agent), outputIndex)
    const unnamed = before(callsOf.get(''), outputIndex)
    return (own?.outputIndex ?? -1) > (unnamed?.outputIndex ?? -1) ? own : unnamed
  }

  return {
    addItem(json, item, outputIndex) {
      const agent = agentOf(json, item)
      if (agent !== undefined) agents.set(outputIndex, agent)
      const containerId = callContainer(json, item)
      if (containerId !== undefined) addCall({ outputIndex, containerId }, agent ?? '')
    },
    addResponse(json, response) {
      const { tools, previous_response_id, conversation } = pick(json, response, [
        'tools',
        'previous_response_id',
        'conversation',
      ])
      for (const tool of elements(json, tools)) toolContainer ??= containerOfTool(parse(json, tool))
      const conversationId = conversation && pick(json, conversation, ['id']).id
      previous = {
        responseId: stringAt(json, previous_response_id) ?? previous.responseId,
        conversationId: stringAt(json, conversationId ?? conversation) ?? previous.conversationId,
      }
    },
    async find(outputIndex) {
      const known = lastCall(outputIndex)?.containerId ?? toolContainer
      if (known !== undefined) return known
      found ??= recorded(previous)
      return found
    },
  }
}

/** Keeps the calls in output order. A call that is seen again replaces its earlier entry. */
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

/**
 * The container in which an item ran code; `undefined` if the item is neither such a call nor its output.
 *
 * @param json text that contains the item
 * @param item span of an output item
 */
export function callContainer(json: string, item: Span | undefined): string | undefined {
  const { type, container_id, environment } = pick(json, item, keys)
  const kind = stringAt(json, type) ?? ''
  if (!/_call(?:_output)?$/.test(kind)) return undefined
  const id = stringAt(json, container_id ?? pick(json, environment, ['container_id']).container_id)
  if (isContainerId(id)) return id
  // Toolbox results name the container in several forms. Outputs of the code interpreter are not parsed: they may be
  // large.
  const isResult = kind !== 'code_interpreter_call'
  return isResult ? containerOfCall(parse(json, item)) : undefined
}

const keys = ['type', 'container_id', 'environment'] as const

function parse(json: string, value: Span | undefined): unknown {
  const text = json.slice(value?.start, value?.end)
  return text.includes('container') ? parseText(text) : undefined
}
