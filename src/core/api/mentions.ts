/**
 * What is found in an answer, gathered: each thing once, in the order of appearance, and only if its id is one.
 *
 * @module
 */

import { isContainerFileId, isContainerId, isFileId, isId } from '../ids.ts'

/** A cited file; `container_id` is absent for a file of the Files API. */
export interface Citation {
  readonly container_id?: string
  readonly file_id: string
  readonly filename?: string
  /** Where in the text the link is: `[start, end)`; 0, 0 where there is none. */
  readonly start_index?: number
  readonly end_index?: number
}

/** A citation as the Responses API writes it. */
export interface ContainerFileCitation {
  readonly container_id: string
  readonly file_id: string
  readonly filename: string
  readonly start_index: number
  readonly end_index: number
}

/** All that an answer mentions, each thing once, in the order of appearance. */
export interface Mentions {
  readonly responses: readonly string[]
  readonly conversations: readonly string[]
  /** Those of citations, and those of tool calls that cite nothing. */
  readonly containers: readonly string[]
  readonly citations: readonly Citation[]
  /** How responses hang together, and the containers that they used. */
  readonly turns?: readonly Turn[]
  /** What a response put out, and the parts of a thread: a later request may name each instead of repeating it. */
  readonly items?: readonly string[]
}

/** A response, what it goes on from, and the container that its links lead to. */
export interface Turn {
  readonly response?: string
  readonly previous?: string
  readonly conversation?: string
  readonly container?: string
}

/** A turn that nobody has checked yet. */
export type TurnClaim = { readonly [name in keyof Turn]?: unknown }

/** A citation that nobody has checked yet. */
export type CitationClaim = { readonly [name in keyof Citation]?: unknown }

/** Takes whatever stands where an id should, and keeps what is one. */
export interface Findings {
  response(id: unknown): void
  conversation(id: unknown): void
  container(id: unknown): void
  item(id: unknown): void
  turn(claim: TurnClaim): void
  citation(claim: CitationClaim): void
  /** Takes over what was found elsewhere. */
  all(mentions: Mentions): void
  mentions(): Mentions
}

// A real answer mentions a handful; a hostile one must not fill a store.
const mostOfAKind = 10_000

/** Begins to gather. */
export function createFindings(): Findings {
  const responses = new Set<string>()
  const conversations = new Set<string>()
  const containers = new Set<string>()
  const items = new Set<string>()
  const turns = new Map<string, Turn>()
  const citations = new Map<string, Citation>()

  function cite(claim: CitationClaim): void {
    const citation = toCitation(claim)
    if (citation === undefined) return
    if (citation.container_id !== undefined) add(containers, citation.container_id)
    const key = citationKey(citation)
    const known = citations.get(key)
    if (known === undefined && citations.size < mostOfAKind) citations.set(key, citation)
    // A later mention may know the name.
    if (known !== undefined && known.filename === undefined) {
      citations.set(key, { ...citation, ...known, ...named(citation) })
    }
  }

  function addTurn({ response, previous, conversation, container }: TurnClaim): void {
    if (!isId(response) || (turns.size >= mostOfAKind && !turns.has(response))) return
    const turn = {
      ...(isId(previous) && { previous }),
      ...(isId(conversation) && { conversation }),
      ...(isContainerId(container) && { container }),
    }
    // A response that says no more is told by its id.
    if (Object.keys(turn).length > 0)
      turns.set(response, { ...turns.get(response), response, ...turn })
  }

  const findings: Findings = {
    response: (id) => isId(id) && add(responses, id),
    conversation: (id) => isId(id) && add(conversations, id),
    container: (id) => isContainerId(id) && add(containers, id),
    item: (id) => isId(id) && add(items, id),
    turn: addTurn,
    citation: cite,
    all(mentions) {
      mentions.responses.forEach(findings.response)
      mentions.conversations.forEach(findings.conversation)
      mentions.containers.forEach(findings.container)
      mentions.items?.forEach(findings.item)
      mentions.turns?.forEach(findings.turn)
      mentions.citations.forEach(cite)
    },
    mentions: () => ({
      responses: [...responses],
      conversations: [...conversations],
      containers: [...containers],
      citations: [...citations.values()],
      ...(items.size > 0 && { items: [...items] }),
      ...(turns.size > 0 && { turns: [...turns.values()] }),
    }),
  }
  return findings
}

/** The same for two citations of one file. */
export function citationKey({ container_id = '', file_id }: Citation): string {
  return `${container_id} ${file_id}`
}

function add(set: Set<string>, id: string): void {
  if (set.size < mostOfAKind) set.add(id)
}

/** A file id and the API that it belongs to must agree, or the pair leads nowhere. */
function toCitation(claim: CitationClaim): Citation | undefined {
  const { container_id, file_id, start_index, end_index } = claim
  const rest = {
    ...named(claim),
    ...(isIndex(start_index) ? { start_index } : {}),
    ...(isIndex(end_index) ? { end_index } : {}),
  }
  if (isContainerFileId(file_id) && isContainerId(container_id)) {
    return { container_id, file_id, ...rest }
  }
  return isFileId(file_id) ? { file_id, ...rest } : undefined
}

function named({ filename }: CitationClaim): { filename?: string } {
  return typeof filename === 'string' && filename !== '' ? { filename } : {}
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
