/** What the targets share. */

import { isCfileError } from '../../../src/core/errors.ts'

/** Parses bytes. Throws for a broken promise. */
export type Target = (bytes: Uint8Array<ArrayBuffer>) => unknown

/** Targets by name. */
export type Targets = Readonly<Record<string, Target>>

/** Bytes as UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

/** @throws Error if the promise does not hold */
export function check(condition: boolean, promise: string): void {
  if (!condition) throw new Error(`broken: ${promise}`)
}

/** The result of a step that may refuse its input with an error of ours; `undefined` if it did. */
export function refusable<T>(step: () => T): T | undefined {
  try {
    return step()
  } catch (error) {
    if (!isCfileError(error)) throw error
    return undefined
  }
}

/** The result of a function that yields. */
export function run<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** The bytes in pieces, whose lengths follow from the bytes themselves. */
export function* pieces(bytes: Uint8Array<ArrayBuffer>): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + ((bytes[at] ?? 0) % 7)
    yield bytes.subarray(at, at + length)
    at += length
  }
}

/** A stream of chunks. */
export function streamOf(
  chunks: Iterable<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}
