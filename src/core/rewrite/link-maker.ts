/**
 * The interface for making links, and a cache that gives each file one link per answer.
 *
 * @module
 */

import type { Citation } from '../api/citations/citations.ts'
import type { RecordedContainer } from './answer-containers.ts'

/** A link and the unix second at which it expires. The URL contains only `A-Z a-z 0-9 - . _ ~ % / :`. */
export interface MadeLink {
  readonly download_url: string
  readonly expires_at: number
}

/** Makes links. A rejected promise leaves that place of the answer unchanged. */
export interface LinkMaker {
  /** Makes a link to a cited file. */
  file(citation: Citation): Promise<MadeLink>
  /**
   * Makes a link to the file at `/mnt/data/{path}`. The file is looked up when the link is followed.
   *
   * @param path the path as the model wrote it, or the whole link if it is not spelled `sandbox:/mnt/data/…`; the link
   *   must carry it unchanged, so that the model's own link can be restored
   */
  path(containerId: string, path: string): Promise<MadeLink>
}

/**
 * `annotate` adds `download_url` and `download_expires_at` to file annotations. `rewrite` also replaces `sandbox:`
 * links in texts.
 */
export type LinkMode = 'annotate' | 'rewrite'

/** Options for adding links to an answer. */
export interface LinkOptions {
  readonly links: LinkMaker
  /** @default 'annotate' */
  readonly mode?: LinkMode
  /** Turns on the replacement of `data:` pictures for which the file is certain. */
  readonly sizes?: FileSizes
  /** Looks up the container of the previous turn, for an answer that names none itself. @default none */
  readonly recordedContainer?: RecordedContainer
}

/** The known sizes, in bytes, of a container's files by file id. */
export type FileSizes = (containerId: string) => Promise<ReadonlyMap<string, number>>

/** The links of one answer. Each link is made once; `undefined` if it could not be made. */
export interface AnswerLinks {
  file(citation: Citation): Promise<MadeLink | undefined>
  path(containerId: string, path: string): Promise<MadeLink | undefined>
}

/**
 * Creates the cache of links for one answer.
 *
 * @param links makes them; called once for each file and each path
 */
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
    // An answer without a link is better than no answer. The maker logs the failure if needed.
    return undefined
  }
}
