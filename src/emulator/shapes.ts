/**
 * Types of the wire format, key for key as recorded. A test compares them with the types of the `openai` SDK.
 *
 * @module
 */

/** A container. */
export interface ContainerObject {
  id: string
  object: 'container'
  created_at: number
  status: 'running' | 'expired'
  expires_after: { anchor: 'last_active_at'; minutes: number }
  last_active_at: number
  memory_limit: MemoryLimit
  name: string
  network_policy: NetworkPolicy
}

/** Memory size of a container. */
export type MemoryLimit = '1g' | '4g' | '16g' | '64g'

/** Network access of a container. */
export interface NetworkPolicy {
  type: 'allowlist' | 'disabled'
  allowed_domains?: string[]
}

/** A container file. `bytes` is null in rows that the service lists by mistake. */
export interface ContainerFileObject {
  id: string
  object: 'container.file'
  created_at: number
  bytes: number | null
  container_id: string
  path: string
  source: 'user' | 'assistant'
}

/** A file of the Files API. */
export interface FileObject {
  object: 'file'
  id: string
  purpose: 'assistants'
  filename: string
  bytes: number
  created_at: number
  expires_at: null
  status: 'processed'
  status_details: null
}

/** A citation. `[start, end)` is its link in the text; 0, 0 if there is none. */
export interface Citation {
  type: 'container_file_citation'
  container_id: string
  end_index: number
  file_id: string
  filename: string
  start_index: number
}

/** A text part of a message. */
export interface OutputText {
  type: 'output_text'
  annotations: Citation[]
  logprobs: []
  text: string
}

/** A refusal part of a message. */
export interface Refusal {
  type: 'refusal'
  refusal: string
}

/** A message of the model. */
export interface MessageItem {
  id: string
  type: 'message'
  status: 'in_progress' | 'completed' | 'incomplete'
  content: (OutputText | Refusal)[]
  role: 'assistant'
}

/** Printed or displayed output of code. A picture is a `data:` URL. */
export type CallOutput = { type: 'logs'; logs: string } | { type: 'image'; url: string }

/** A call of the code interpreter. */
export interface CallItem {
  id: string
  type: 'code_interpreter_call'
  status: 'in_progress' | 'completed'
  code: string
  container_id: string
  outputs: CallOutput[] | null
}

/** The model's reasoning, which is hidden. */
interface ReasoningItem {
  id: string
  type: 'reasoning'
  summary: []
}

/** An output item. */
export type OutputItem = MessageItem | CallItem | ReasoningItem

/** Token counts. */
export interface Usage {
  input_tokens: number
  input_tokens_details: { cached_tokens: number; cache_write_tokens: number }
  output_tokens: number
  output_tokens_details: { reasoning_tokens: number }
  total_tokens: number
}

/** Status of a response. */
export type ResponseStatus =
  | 'queued'
  | 'in_progress'
  | 'completed'
  | 'failed'
  | 'incomplete'
  | 'cancelled'

/** A response. Settings of the request are returned as sent. */
export interface ResponseObject {
  id: string
  object: 'response'
  created_at: number
  status: ResponseStatus
  background: boolean
  content_filters: null
  error: { code: 'server_error'; message: string } | null
  incomplete_details: { reason: 'max_output_tokens' } | null
  instructions: unknown
  max_output_tokens: number | null
  max_tool_calls: number | null
  model: string
  output: OutputItem[]
  parallel_tool_calls: boolean
  previous_response_id: string | null
  prompt_cache_key: string | null
  reasoning: unknown
  safety_identifier: string | null
  service_tier: 'auto' | 'default'
  store: boolean
  temperature: number
  text: unknown
  tool_choice: unknown
  tools: unknown[]
  top_logprobs: number
  top_p: number
  truncation: 'auto' | 'disabled'
  usage: Usage | null
  user: string | null
  metadata: Record<string, string>
  conversation?: { id: string }
}

interface Place {
  item_id: string
  output_index: number
}

interface PartPlace extends Place {
  content_index: number
}

/** An event with one of the names. */
type Event<Name extends string, Rest> = Name extends unknown ? { type: Name } & Rest : never

interface Delta {
  delta: string
}

/** An event of a streamed response before it gets its number. */
export type StreamEvent =
  | Event<`response.${ResponseStatus | 'created'}`, { response: ResponseObject }>
  | Event<`response.output_item.${'added' | 'done'}`, { output_index: number; item: OutputItem }>
  | Event<`response.code_interpreter_call.${CallStep}`, Place>
  | Event<'response.code_interpreter_call_code.delta', Place & Delta>
  | Event<'response.code_interpreter_call_code.done', Place & { code: string }>
  | Event<`response.content_part.${'added' | 'done'}`, PartPlace & { part: OutputText | Refusal }>
  | Event<'response.output_text.delta', PartPlace & Delta & { logprobs: [] }>
  | Event<
      'response.output_text.annotation.added',
      PartPlace & { annotation_index: number; annotation: Citation }
    >
  | Event<'response.output_text.done', PartPlace & { text: string; logprobs: [] }>
  | Event<'response.refusal.delta', PartPlace & Delta>
  | Event<'response.refusal.done', PartPlace & { refusal: string }>
  | Event<'error', { error: { type: string; code: string; message: string; param: null } }>

/** Status of a call in the name of its event. */
export type CallStep = 'in_progress' | 'interpreting' | 'completed'

/** A page of a list. The ids are null in an empty page, although the documentation says otherwise. */
export interface ListObject<T> {
  object: 'list'
  data: T[]
  first_id: string | null
  has_more: boolean
  last_id: string | null
}
