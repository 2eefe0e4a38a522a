/**
 * The links that answers are given: who makes them, and that one thing has one link within one answer.
 *
 * @module
 */

import type { Citation } from '../api/citations.ts'
import type { RecordedContainer } from './answer-containers.ts'

/** A link and the unix second at which it expires. Its URL holds only `A-Z a-z 0-9 - . _ ~ % / :`. */
export interface MadeLink {
  readonly download_url: string
  readonly expires_at: number
}

/** Makes links; where one cannot be made, it rejects, and that place of the answer stays as it was. */
export interface LinkMaker {
  /** A link to a cited file. */
  file(citation: Citation): Promise<MadeLink>
  /**
   * A link to the file at `/mnt/data/{path}` that is looked up when it is followed.
   *
   * @param path as the model wrote it, or the whole link where it is not written `sandbox:/mnt/data/…`; the link must
   * carry it to the letter, so that the model's own link can be put back
   */
  path(containerId: string, path: string): Promise<MadeLink>
}

/**
 * `annotate` adds `download_url` and `download_expires_at` to file annotations; `rewrite` also replaces `sandbox:` links
 * in texts.
 */
export type LinkMode = 'annotate' | 'rewrite'

/** What changing an answer takes. */
export interface LinkOptions {
  readonly links: LinkMaker
  /** @default 'annotate' */
  readonly mode?: LinkMode
  /** Has `data:` pictures replaced too, where it is certain which file each is. */
  readonly sizes?: FileSizes
  /** Gives the container of the turn before, for links of an answer that names none itself. @default none */
  readonly recordedContainer?: RecordedContainer
}

/** The sizes of a container's files by their ids, as far as they are known. */
export type FileSizes = (containerId: string) => Promise<ReadonlyMap<string, number>>

/** The links of one answer: each is made once; `undefined` where it could not be made. */
export interface AnswerLinks {
  file(citation: Citation): Promise<MadeLink | undefined>
  path(containerId: string, path: string): Promise<MadeLink | undefined>
}

/** The links of one answer, from a maker that knows of no answer. */
export function linksOfAnswer(links: LinkMaker): AnswerLinks {
  const made = new Map<string, Promise<MadeLink | undefined>>()
  const once = (key: readonly unknown[], make: () => Promise<MadeLink>) => {
    const name = JSON.stringify(key)
    const known = made.get(name) ?? attempt(make)
    made.set(name, known)
    return known
  }
  return {
    file: (citation) =>
      once(['file', citation.container_id, citation.file_id], () => links.file(citation)),
    path: (containerId, path) =>
      once(['path', containerId, path], () => links.path(containerId, path)),
  }
}

async function attempt(make: () => Promise<MadeLink>): Promise<MadeLink | undefined> {
  try {
    return await make()
  } catch {
    // An answer without a link is worth more than none; the maker knows what went wrong, and may log it.
    return undefined
  }
}
