/** Compares the emulator's shapes with the types of the official SDK, at compile time. */

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
 * An SDK type as it is on the wire: optional members may be null, and so may the ids of an empty list and the size of a
 * file, although the documentation says otherwise.
 */
type Wire<T> = T extends readonly (infer U)[]
  ? Wire<U>[]
  : T extends object
    ? { [K in keyof T]: Wire<T[K]> | (undefined extends T[K] ? null : WireNull<K>) }
    : T
type WireNull<K> = K extends 'first_id' | 'last_id' | 'bytes' ? null : never

// `output_text` is created by the SDK, `access_programs` is specific to OpenAI; the other members are settings of the
// request.
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

// Recorded with a nested error, but flat in the documentation. A cancelled response has no event of its own.
type OurEvent = Exclude<StreamEvent, { type: 'error' | 'response.cancelled' }>

/** Never called. It stops compiling when a shape differs from the SDK. */
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
