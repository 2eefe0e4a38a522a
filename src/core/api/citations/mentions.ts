/**
 * Collects what an answer mentions: each thing once, in order of appearance, and only with a valid id.
 *
 * @module
 */

import { isContainerFileId, isContainerId, isFileId, isId } from '../../ids.ts'

/** A cited file. `container_id` is absent for a file of the Files API. */
export interface Citation {
  readonly container_id?: string
  readonly file_id: string
  readonly filename?: string
  /** The link's place in the text, `[start, end)`. 0, 0 if the text has no link. */
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

/** Everything that an answer mentions, each thing once, in order of appearance. */
export interface Mentions {
  readonly responses: readonly string[]
  readonly conversations: readonly string[]
  /** Containers of citations and of tool calls without citations. */
  readonly containers: readonly string[]
  readonly citations: readonly Citation[]
  /** The links between responses, and the containers that they used. */
  readonly turns?: readonly Turn[]
  /** Output items of a response, and parts of a thread. A later request may refer to each by id. */
  readonly items?: readonly string[]
  /**
   * Ids of the containers and files above that only a tool's result names. A caller can name any tool server, so such a
   * result may hold ids of others.
   */
  readonly reported?: readonly string[]
}

/** A response, its previous response or conversation, and the container for its links. */
export interface Turn {
  readonly response?: string
  readonly previous?: string
  readonly conversation?: string
  readonly container?: string
}

/** A turn before its ids are checked. */
type TurnClaim = { readonly [name in keyof Turn]?: unknown }

/** A citation before its ids are checked. */
type CitationClaim = { readonly [name in keyof Citation]?: unknown }

/** Collects values that should be ids, and keeps the valid ones. */
export interface Findings {
  response(id: unknown): void
  conversation(id: unknown): void
  container(id: unknown): void
  item(id: unknown): void
  turn(claim: TurnClaim): void
  citation(claim: CitationClaim): void
  /** Adds the mentions of another answer. */
  all(mentions: Mentions): void
  mentions(): Mentions
}

// A real answer mentions a handful of things. The limit keeps a hostile answer from filling a store.
const mostOfAKind = 10_000

/**
 * Creates an empty collection.
 *
 * @returns a collection that ignores values which are no ids, and all beyond 10,000 of a kind
 */
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
    // A later mention may add the name.
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
    // A response without further facts is covered by `responses`.
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

/**
 * The key of a file: equal for two citations of the same file.
 *
 * @param citation only its ids count, neither its name nor its place in the text
 */
export function citationKey({ container_id = '', file_id }: Citation): string {
  return `${container_id} ${file_id}`
}

/** The ids of the containers and files that are mentioned. */
function idsOf({ containers, citations }: Mentions): readonly string[] {
  return [...containers, ...citations.map(({ file_id }) => file_id)]
}

/**
 * Merges the mentions of the service and those in results of tools. Ids that only results of tools name become
 * {@link Mentions.reported}.
 *
 * @param cited mentions of the service
 * @param results mentions in results of tools
 */
export function withReports(cited: Mentions, results: Mentions): Mentions {
  const named = idsOf(results)
  if (named.length === 0) return cited
  const known = new Set(idsOf(cited))
  const reported = named.filter((id) => !known.has(id))
  const found = createFindings()
  found.all(cited)
  found.all(results)
  return { ...found.mentions(), ...(reported.length > 0 && { reported }) }
}

function add(set: Set<string>, id: string): void {
  if (set.size < mostOfAKind) set.add(id)
}

/** Checks a citation. The file id must belong to the same API as the container id. */
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
