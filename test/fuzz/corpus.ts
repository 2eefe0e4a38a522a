/**
 * Reads and writes the inputs of `test/fuzz/corpus`, as strings of bytes.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'

/** Bytes that a target parses. */
export type Input = Uint8Array<ArrayBuffer>

/** A string of bytes as bytes. */
export function toInput(text: string): Input {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}

/** Bytes as a string of bytes. */
export function toText(input: Input): string {
  return Buffer.from(input).toString('latin1')
}

function pathOf(name: string): URL {
  return new URL(`corpus/${name}.json`, import.meta.url)
}

/** The kept inputs of a target. */
export function readCorpus(name: string): string[] {
  const path = pathOf(name)
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : []
}

/** Replaces the kept inputs of a target. */
export function writeCorpus(name: string, inputs: readonly Input[]): void {
  const ascii = JSON.stringify(inputs.map(toText), null, 2).replace(
    /[\x7f-\xff]/g,
    (one) => `\\u00${one.charCodeAt(0).toString(16)}`,
  )
  mkdirSync(new URL('corpus/', import.meta.url), { recursive: true })
  writeFileSync(pathOf(name), `${ascii}\n`)
}
