/**
 * Builds a response with Azure's keys, and its forms before it is finished.
 *
 * @module
 */

import type { Json } from './json.ts'
import { directs } from './plan.ts'
import type { OutputItem, ResponseObject, ResponseStatus, Usage } from './shapes.ts'
import type { StoredResponse } from './world.ts'

/** The parts of a response. */
interface Making {
  readonly id: string
  readonly now: number
  readonly prompt: string
  readonly output: OutputItem[]
  readonly conversationId?: string
  /** The request. Its settings are returned. */
  readonly body: Json
}

/**
 * The finished response.
 *
 * @param making id, prompt, output and the request, whose settings are returned
 */
export function makeResponse({
  id,
  now,
  prompt,
  output,
  conversationId,
  body,
}: Making): ResponseObject {
  const fails = directs(prompt, 'fail') || directs(prompt, 'error')
  const isIncomplete = directs(prompt, 'incomplete')
  const own = <T>(key: string, fallback: T): T => (body[key] as T | undefined) ?? fallback
  return {
    id,
    object: 'response',
    created_at: now,
    status: fails ? 'failed' : isIncomplete ? 'incomplete' : 'completed',
    background: own('background', false),
    content_filters: null,
    error: fails ? { code: 'server_error', message: 'The emulator was asked to fail.' } : null,
    incomplete_details: isIncomplete ? { reason: 'max_output_tokens' } : null,
    instructions: own('instructions', null),
    max_output_tokens: own('max_output_tokens', null),
    max_tool_calls: own('max_tool_calls', null),
    model: String(body.model),
    output: fails ? [] : output,
    parallel_tool_calls: own('parallel_tool_calls', true),
    previous_response_id: own('previous_response_id', null),
    prompt_cache_key: own('prompt_cache_key', null),
    reasoning: own('reasoning', { effort: null, summary: null }),
    safety_identifier: own('safety_identifier', null),
    service_tier: 'default',
    store: own('store', true),
    temperature: own('temperature', 1),
    text: own('text', { format: { type: 'text' }, verbosity: 'medium' }),
    tool_choice: own('tool_choice', 'auto'),
    tools: own('tools', []),
    top_logprobs: own('top_logprobs', 0),
    top_p: own('top_p', 1),
    truncation: own('truncation', 'disabled'),
    usage: usageOf(prompt, fails ? [] : output),
    user: own('user', null),
    metadata: own('metadata', {}),
    ...(conversationId === undefined ? {} : { conversation: { id: conversationId } }),
  }
}

/**
 * Estimates tokens: four characters each.
 *
 * @param prompt counts as input
 * @param output items; their JSON counts as output
 */
export function usageOf(prompt: string, output: readonly object[]): Usage {
  const input_tokens = Math.ceil(prompt.length / 4)
  const output_tokens = Math.ceil(JSON.stringify(output).length / 4)
  return {
    input_tokens,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input_tokens + output_tokens,
  }
}

/**
 * The form of a response that has not ended, or never will.
 *
 * @param response as it will be when it is finished
 * @param status to show
 */
export function pending(response: ResponseObject, status: ResponseStatus): ResponseObject {
  const nothing = { error: null, incomplete_details: null, output: [], usage: null }
  return { ...response, ...nothing, service_tier: 'auto', status }
}

const secondsToFinish = 10

/**
 * The current form of a stored response. A background response needs two polls or ten seconds.
 *
 * @param stored response, with how often it was polled
 * @param now unix seconds
 */
export function currentResponse(stored: StoredResponse, now: number): ResponseObject {
  const { finished, polls, cancelled } = stored
  const age = now - finished.created_at
  if (cancelled) return pending(finished, 'cancelled')
  if (!finished.background || polls >= 2 || age >= secondsToFinish) return finished
  return pending(finished, polls >= 1 || age >= 1 ? 'in_progress' : 'queued')
}

/**
 * Removes the outputs of calls, unless the request includes them.
 *
 * @param response of the call
 * @param include values of `include[]`
 */
export function withOutputs(response: ResponseObject, include: readonly unknown[]): ResponseObject {
  if (include.includes('code_interpreter_call.outputs')) return response
  const output = response.output.map((item) =>
    item.type === 'code_interpreter_call' ? { ...item, outputs: null } : item,
  )
  return { ...response, output }
}
