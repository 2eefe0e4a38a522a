/**
 * What a request of the OpenAI API does, told from its method and path: what its answer may show, and how long it may take.
 *
 * @module
 */

/** A request's meaning, as far as a gateway must know it. */
export interface Operation {
  /**
   * `answer`: what the model did, whose citations count; `thing`: one thing that is kept upstream; `list`: many;
   * `nothing`: echoed input, bytes, or what leaves nothing behind.
   */
  readonly shows: 'answer' | 'thing' | 'list' | 'nothing'
  /** The collection of the things that it makes, reads or lists. */
  readonly collection?: string
  /** Whether any upstream with the model can do it. */
  readonly generates: boolean
  /** Whether it is answered at once or not at all: files and metadata. */
  readonly isQuick: boolean
  /** Whether its body may hold what cfile added to an answer before. */
  readonly takesHistory: boolean
}

// What is below these keeps nothing upstream.
const stateless = new Set(
  'chat completions embeddings images audio moderations models realtime deployments engines'.split(
    ' ',
  ),
)

/** Whether nothing below this first part of a path is kept. */
export function isStateless(first: string): boolean {
  return stateless.has(first)
}

const words = new Set([
  ...stateless,
  ...'responses conversations containers files threads fine_tuning jobs'.split(' '),
  ...'compact input_tokens input_items items cancel content runs'.split(' '),
])

/** The parts of a path below `/v1`, decoded; the API's own words in lower case, as a lenient server would read them. */
export function pathSegments(path: string): string[] {
  return path
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => {
      const text = decode(segment)
      const word = text.toLowerCase()
      return words.has(word) ? word : text
    })
}

/** Reads what a request does. */
export function operationOf(method: string, path: string): Operation {
  const segments = pathSegments(path)
  const [first = '', second, third] = segments
  const isPost = method === 'POST'
  const depth = segments.length
  const isResponses = first === 'responses'
  const generates =
    isPost &&
    (isResponses
      ? depth === 1 || second === 'compact' || second === 'input_tokens'
      : isStateless(first))
  const takesHistory = isPost && (isResponses || first === 'conversations')
  const isQuick = first === 'containers' || first === 'files'
  const rest = { generates, takesHistory, isQuick }
  if (!isPost && method !== 'GET') return { ...rest, shows: 'nothing' }
  if (isResponses) {
    const isItems = depth > 2 && third !== 'cancel'
    return { ...rest, shows: isItems ? 'nothing' : 'answer' }
  }
  if (first === 'threads' && depth > 1) return { ...rest, shows: 'answer' }
  if (isStateless(first)) return { ...rest, shows: 'nothing' }
  return { ...rest, ...shownThing(segments, isPost) }
}

function shownThing(
  [first = '', second, third, ...more]: readonly string[],
  isPost: boolean,
): Pick<Operation, 'shows' | 'collection'> {
  // The jobs of fine-tuning stand one level deeper, the files of containers two.
  if (first === 'fine_tuning' && second !== undefined)
    return shownThing([second, ...(third === undefined ? [] : [third]), ...more], isPost)
  const isInner = first === 'containers' && third === 'files'
  const [collection, id, deeper] = isInner ? [third, ...more] : [first, second, third]
  if (deeper !== undefined || collection === undefined) return { shows: 'nothing' }
  return { shows: id === undefined && !isPost ? 'list' : 'thing', collection }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
