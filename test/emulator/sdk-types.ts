/**
 * The emulator's shapes against the types of the official SDK, checked by the compiler alone.
 */

import type OpenAI from 'openai'
import type {
  ContainerFileObject,
  ContainerObject,
  FileObject,
  ListObject,
  ResponseObject,
  StreamEvent,
} from '../../src/emulator/shapes.ts'

/**
 * A type of the SDK as it is on the wire: what may be absent may be null there, and so may the ends of an empty list
 * and the size of a file, whatever the documents say.
 */
type Wire<T> = T extends readonly (infer U)[]
  ? Wire<U>[]
  : T extends object
    ? { [K in keyof T]: Wire<T[K]> | (undefined extends T[K] ? null : WireNull<K>) }
    : T
type WireNull<K> = K extends 'first_id' | 'last_id' | 'bytes' ? null : never

// `output_text` is made by the SDK, `access_programs` is OpenAI's own; the others are what the caller sent.
type NotOurs =
  | 'output_text'
  | 'access_programs'
  | 'instructions'
  | 'tools'
  | 'tool_choice'
  | 'text'
  | 'reasoning'
type WireResponse = Wire<Omit<OpenAI.Responses.Response, NotOurs>>

type Theirs<E> = E extends { response: unknown }
  ? Omit<E, 'response'> & { response: WireResponse }
  : Wire<E>
type WireEvent = Theirs<OpenAI.Responses.ResponseStreamEvent>
type Numbered<E> = E extends unknown ? E & { sequence_number: number } : never

// Recorded with its error nested, where the documents have it flat; a cancelled response has no event of its own.
type OurEvent = Exclude<StreamEvent, { type: 'error' | 'response.cancelled' }>

/** Never called; it stops compiling when a shape drifts from the SDK's. */
export function checkTypes(
  container: ContainerObject,
  file: ContainerFileObject,
  upload: FileObject,
  response: ResponseObject,
  files: ListObject<ContainerFileObject>,
  event: Numbered<OurEvent>,
): void {
  container satisfies Wire<OpenAI.Containers.ContainerRetrieveResponse>
  container satisfies Wire<OpenAI.Containers.ContainerListResponse>
  file satisfies Wire<OpenAI.Containers.Files.FileRetrieveResponse>
  files.data satisfies Wire<OpenAI.Containers.Files.FileListResponse>[]
  upload satisfies Wire<OpenAI.Files.FileObject>
  response satisfies WireResponse
  event satisfies WireEvent
}
