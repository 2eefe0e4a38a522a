/**
 * The code blocks of README and docs. Each is run by test/e2e/docs.test.ts, or a comment before it says why not:
 * `<!-- not run: reason -->`. A page may begin with the settings of the gateway that its blocks ask:
 * `<!-- settings: NAME=value NAME=value -->`.
 *
 * @module
 */

import { list, read } from '../deploy/files.ts'

/** A fenced block. */
export interface Block {
  readonly page: string
  /** Of its first fence, from 1. */
  readonly line: number
  /** Empty where the fence names none. */
  readonly language: string
  readonly code: string
  /** Why it is not run. */
  readonly reason?: string
}

/** README and the pages of docs/. */
export const pages: readonly string[] = ['README.md', ...list('docs', '.md')]

/** The languages that a runner takes. */
export const runnable: readonly string[] = ['sh', 'ts']

/** Every block of a page, in order. */
export function blocksOf(page: string): Block[] {
  const text = read(page)
  return [...text.matchAll(/(?:<!-- not run: (.+?) -->\n+)?^```(\w*)\n([\s\S]*?)^```$/gm)].map(
    ({ index, 1: reason, 2: language = '', 3: code = '' }) => ({
      page,
      line: text.slice(0, text.indexOf('```', index)).split('\n').length,
      language,
      code,
      reason,
    }),
  )
}

/** The settings that a page names at its head. */
export function settingsOf(page: string): Record<string, string> {
  const named = /^<!-- settings: (.+) -->/.exec(read(page))?.[1] ?? ''
  return Object.fromEntries(
    named
      .split(' ')
      .filter((pair) => pair !== '')
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  )
}
