/**
 * The places in request bodies whose contents are not the API's own vocabulary: texts, schemas and values of the
 * caller, and echoes of earlier answers. Ids are read differently only at these places, never because of a key alone.
 *
 * A list has the place of its key. An object where a list is expected has the same place.
 *
 * @module
 */

/** How to read a part of a body. */
export interface Place {
  /** The places of some keys. For all other keys the place is plain, or the same place again for `data` and `words`. */
  readonly members?: ReadonlyMap<string, Place>
  /** The place of every key, if the keys are the caller's own words. */
  readonly each?: Place
  /**
   * `data`: the caller's own rows, which an eval may pass to a model. Ids in them are names; any other content is
   * allowed. `words`: contains no names. Absent: the part must follow the API.
   */
  readonly reads?: 'data' | 'words'
  /** The type of the surrounding object for which this place repeats an earlier answer. For any other it is plain. */
  readonly echoOf?: string
  /** Whether its objects are items of a conversation, which may have both an id and content. */
  readonly isItem?: true
  /** Whether the ids of its objects have a meaning only inside the body. */
  readonly hasLocalIds?: true
  /**
   * Texts that some members of its objects may have. With any other value, or without the member, the body may read
   * things of every owner.
   */
  readonly only?: ReadonlyMap<string, RegExp>
}

function place(members: Readonly<Record<string, Place>>, more: Omit<Place, 'members'> = {}): Place {
  return { ...more, members: new Map(Object.entries(members)) }
}

// The place of unknown keys.
const plain: Place = {}

const words: Place = { reads: 'words' }
/** A line of a file with the rows of an eval. */
export const rowPlace: Place = { reads: 'data' }
const data = rowPlace
const localIds: Place = { hasLocalIds: true }

const metadata = place({ metadata: words })

const toolWords = {
  parameters: words,
  output_schema: words,
  headers: words,
  function: place({ parameters: words }),
}
const tools = place({ ...toolWords, tools: place(toolWords) })
// The tool lists of MCP servers are replayed too.
const listedTools = place({
  ...toolWords,
  tools: place(toolWords),
  input_schema: words,
  annotations: words,
})

const part = place({ annotations: { echoOf: 'output_text' } })

const item = place(
  {
    arguments: words,
    content: part,
    output: part,
    results: place({ attributes: words }, { echoOf: 'file_search_call' }),
    tools: listedTools,
    action: place({ env: words }),
    pending_safety_checks: localIds,
    acknowledged_safety_checks: localIds,
  },
  { isItem: true },
)

const prompt = place({ variables: { each: plain } })

const message = place({ metadata: words, tool_calls: localIds })

const toolResources = place({ file_search: place({ vector_stores: metadata }) })

/** The common part of requests for responses, chat completions and realtime sessions. */
const generation = {
  tools,
  prompt,
  text: place({ format: place({ schema: words }) }),
  response_format: place({ json_schema: place({ schema: words }) }),
  tracing: metadata,
}

const noText = /(?!)/

/** Rows of an eval: given in the body or in a file. Other sources read what the upstream stored for all owners. */
const rows = place(
  { metadata: words, content: place({ item: data, sample: data }) },
  { only: new Map([['type', /^file_(?:content|id)$/]]) },
)
const dataSource = place(
  { source: rows, sampling_params: place(generation) },
  {
    only: new Map([
      ['type', /^(?:jsonl|completions|responses)$/],
      ['source', noText],
    ]),
  },
)

/** A whole body of any operation. */
export const bodyPlace: Place = place({
  ...generation,
  metadata: words,
  attributes: words,
  logit_bias: words,
  input: item,
  items: item,
  messages: message,
  additional_messages: message,
  functions: place({ parameters: words }),
  session: place(generation),
  thread: place({ metadata: words, messages: message, tool_resources: toolResources }),
  tool_resources: toolResources,
  files: place({ attributes: words }),
  data_source: dataSource,
  data_source_config: place({ metadata: words, item_schema: words }),
  item: data,
  workflow: place({ state_variables: words }),
})

/** A line of a batch file: a request that creates an answer. A URL of another operation could name a thing. */
export const batchPlace: Place = place(
  { body: bodyPlace },
  {
    only: new Map([
      ['method', /^POST$/],
      [
        'url',
        /^(?:\/openai)?(?:\/v1)?\/(?:responses|(?:chat\/)?completions|embeddings|moderations|images\/(?:generations|edits)|videos)$/,
      ],
      ['body', noText],
    ]),
  },
)

/**
 * The place of a key's value.
 *
 * @param around place of the object or list that contains the key
 * @param key of the value; `*` in a list
 */
export function placeBelow(around: Place, key: string): Place {
  const { members, each, reads } = around
  return members?.get(key) ?? each ?? (reads === undefined ? plain : around)
}
