/**
 * The places in request bodies that are not read as the API's own words: texts, schemas and values that the caller made
 * up, and echoes of earlier answers. A name is ignored at these places only, never because of the key alone.
 *
 * A list has the place of its key, and so has an object that stands where a list belongs.
 *
 * @module
 */

/** How a part of a body is read. */
export interface Place {
  /** The places below some of its keys; below all others is a plain one, or the same again for `data` and `words`. */
  readonly members?: ReadonlyMap<string, Place>
  /** The place below every key, where the keys are the caller's own words. */
  readonly each?: Place
  /**
   * `data`: the caller's own rows, which an eval may hand to a model: ids in them are names, and the rest may be
   * anything. `words`: nothing in it is a name. Otherwise what names must do it as the API does.
   */
  readonly reads?: 'data' | 'words'
  /** The type of the object around in which alone the place is `words`; in any other it is a plain one. */
  readonly echoOf?: string
  /** Whether its objects are items of a conversation, which may have an id and content too. */
  readonly isItem?: true
  /** Whether the ids of its objects are known inside the body only. */
  readonly hasLocalIds?: true
  /** Types with which an object stands for things of every owner. */
  readonly everyones?: readonly string[]
}

function place(members: Readonly<Record<string, Place>>, more: Omit<Place, 'members'> = {}): Place {
  return { ...more, members: new Map(Object.entries(members)) }
}

// Where nothing is known.
const plain: Place = {}

const words: Place = { reads: 'words' }
const data: Place = { reads: 'data' }
const localIds: Place = { hasLocalIds: true }

const metadata = place({ metadata: words })

const toolWords = {
  parameters: words,
  output_schema: words,
  headers: words,
  function: place({ parameters: words }),
}
const tools = place({ ...toolWords, tools: place(toolWords) })
// Those of an MCP server, as it listed them, are replayed too.
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

/** What requests for responses, chat completions and realtime sessions have in common. */
const generation = {
  tools,
  prompt,
  text: place({ format: place({ schema: words }) }),
  response_format: place({ json_schema: place({ schema: words }) }),
  tracing: metadata,
}

const dataSource = place({
  source: place(
    { metadata: words, content: place({ item: data, sample: data }) },
    { everyones: ['stored_completions', 'responses', 'logs'] },
  ),
  sampling_params: place(generation),
})

/** A whole body, of whatever operation. */
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

/** A line of a batch's file: a request's body, and where it goes. */
export const batchPlace: Place = place({ body: bodyPlace })

/** The place of what stands under a key. */
export function placeBelow(around: Place, key: string): Place {
  const { members, each, reads } = around
  return members?.get(key) ?? each ?? (reads === undefined ? plain : around)
}
