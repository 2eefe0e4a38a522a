/**
 * The places in request bodies that the API does not define: texts, schemas and values of the caller, and echoes of
 * earlier answers. Only the place, never the key, decides that ids are read differently.
 *
 * A list has the place of its key. An object where a list is expected has the same place.
 *
 * @module
 */

/** How to read a part of a body. */
export interface Place {
  /** The places of some keys. For all other keys the place is plain, or the same place again for `data` and `opaque`. */
  readonly members?: ReadonlyMap<string, Place>
  /** The place of every key, if the caller chooses the keys freely. */
  readonly each?: Place
  /**
   * `data`: the caller's own rows, which an eval may pass to a model. Ids in them are names; any other content is
   * allowed. `opaque`: contains no names. Absent: the part must follow the API.
   */
  readonly reads?: 'data' | 'opaque'
  /** The type of the surrounding object for which this place repeats an earlier answer. For any other it is plain. */
  readonly echoOf?: string
  /** Whether its objects are items of a conversation, which may have both an id and content. */
  readonly isItem?: true
  /** Whether the ids of its objects have a meaning only inside the body. */
  readonly hasLocalIds?: true
  /**
   * Patterns for some members of its objects. If a member is absent or does not match, the body may read things of all
   * owners.
   */
  readonly mustMatch?: ReadonlyMap<string, RegExp>
}

function place(members: Readonly<Record<string, Place>>, more: Omit<Place, 'members'> = {}): Place {
  return { ...more, members: new Map(Object.entries(members)) }
}

// The place of unknown keys.
const plain: Place = {}

const opaque: Place = { reads: 'opaque' }
/** A line of a file with the rows of an eval. */
export const rowPlace: Place = { reads: 'data' }
const data = rowPlace
const localIds: Place = { hasLocalIds: true }

const metadata = place({ metadata: opaque })

const toolPlaces = {
  parameters: opaque,
  output_schema: opaque,
  headers: opaque,
  function: place({ parameters: opaque }),
}
const tools = place({ ...toolPlaces, tools: place(toolPlaces) })
// The tool lists of MCP servers are replayed too.
const listedTools = place({
  ...toolPlaces,
  tools: place(toolPlaces),
  input_schema: opaque,
  annotations: opaque,
})

const part = place({ annotations: { echoOf: 'output_text' } })

const item = place(
  {
    arguments: opaque,
    content: part,
    output: part,
    results: place({ attributes: opaque }, { echoOf: 'file_search_call' }),
    tools: listedTools,
    action: place({ env: opaque }),
    pending_safety_checks: localIds,
    acknowledged_safety_checks: localIds,
  },
  { isItem: true },
)

const prompt = place({ variables: { each: plain } })

const message = place({ metadata: opaque, tool_calls: localIds })

const toolResources = place({ file_search: place({ vector_stores: metadata }) })

/** The common part of requests for responses, chat completions and realtime sessions. */
const generation = {
  tools,
  prompt,
  text: place({ format: place({ schema: opaque }) }),
  response_format: place({ json_schema: place({ schema: opaque }) }),
  tracing: metadata,
}

const noText = /(?!)/

/** Rows of an eval: given in the body or in a file. Other sources read what the upstream stored for all owners. */
const rows = place(
  { metadata: opaque, content: place({ item: data, sample: data }) },
  { mustMatch: new Map([['type', /^file_(?:content|id)$/]]) },
)
const dataSource = place(
  { source: rows, sampling_params: place(generation) },
  {
    mustMatch: new Map([
      ['type', /^(?:jsonl|completions|responses)$/],
      ['source', noText],
    ]),
  },
)

/** A whole body of any operation. */
export const bodyPlace: Place = place({
  ...generation,
  metadata: opaque,
  attributes: opaque,
  logit_bias: opaque,
  input: item,
  items: item,
  messages: message,
  additional_messages: message,
  functions: place({ parameters: opaque }),
  session: place(generation),
  thread: place({ metadata: opaque, messages: message, tool_resources: toolResources }),
  tool_resources: toolResources,
  files: place({ attributes: opaque }),
  data_source: dataSource,
  data_source_config: place({ metadata: opaque, item_schema: opaque }),
  item: data,
  workflow: place({ state_variables: opaque }),
})

/** A line of a batch file: a request that creates an answer. A URL of another operation could name a thing. */
export const batchPlace: Place = place(
  { body: bodyPlace },
  {
    mustMatch: new Map([
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
 * @param parent place of the object or list that contains the key
 * @param key of the value; `*` in a list
 */
export function placeBelow(parent: Place, key: string): Place {
  const { members, each, reads } = parent
  return members?.get(key) ?? each ?? (reads === undefined ? plain : parent)
}
