/**
 * Adds links to answers in apps that call Azure themselves, as the gateway does.
 *
 * @module
 */

import { createSigner, type LinkSettings } from '../core/links/signer.ts'
import type { LinkMaker, LinkMode, LinkOptions } from '../core/rewrite/link-maker.ts'
import { linkAnswer } from '../core/rewrite/linker.ts'
import { createEventLinker } from '../core/rewrite/stream/stream-linker.ts'
import { eventTransform } from '../core/sse/pump.ts'
import { anyone } from '../gateway/gateway.ts'
import { createLinker } from '../gateway/links.ts'
import { ownerKey } from '../gateway/owners/access.ts'

/** Options for the links of an answer. A gateway with the same keys serves them. */
export interface RewriteOptions extends LinkSettings {
  /** Unix second at which the links expire. */
  readonly expiresAt: number
  /** Owner of the files. @default the single owner of a gateway that does not distinguish callers */
  readonly owner?: string
  /** The gateway's name of the upstream that answered. @default any upstream with the container */
  readonly upstream?: string
  /** `annotate` leaves the text unchanged. @default 'rewrite' */
  readonly mode?: LinkMode
}

/**
 * Adds links to the files of a Responses object or its JSON: each file annotation gets a `download_url`, and `sandbox:`
 * links in texts are replaced. JSON text keeps every other byte; an object is copied.
 *
 * @param answer JSON text or a parsed value, as the back end has it
 * @param options keys, base and lifetime of the links
 * @throws CfileError `invalid_request` for keys that cannot sign
 *
 * @example
 * const answer = await rewriteLinks(await openai.responses.create(…), { base, keys, expiresAt: now + 3600 })
 */
export async function rewriteLinks<Answer extends string | object>(
  answer: Answer,
  options: RewriteOptions,
): Promise<Answer> {
  if (typeof answer === 'string') return (await linkAnswer(answer, toLinks(options))) as Answer
  return JSON.parse(await linkAnswer(JSON.stringify(answer), toLinks(options)))
}

/**
 * Like {@link rewriteLinks}, for a stream of events.
 *
 * @param options keys, base and lifetime of the links
 * @throws CfileError `invalid_request` for keys that cannot sign
 *
 * @example
 * return new Response(upstream.body.pipeThrough(rewriteLinkStream({ base, keys, expiresAt })))
 */
export function rewriteLinkStream(
  options: RewriteOptions,
): TransformStream<Uint8Array, Uint8Array> {
  return eventTransform(createEventLinker(toLinks(options)))
}

function toLinks({ mode = 'rewrite', ...options }: RewriteOptions): LinkOptions {
  return { mode, links: makerOf(options) }
}

/** Creates the link maker of a gateway that has nothing but a signer and an expiry. */
function makerOf({ base, keys, expiresAt, owner, upstream }: RewriteOptions): LinkMaker {
  const gateway = {
    links: { signer: createSigner(keys), publicUrl: base, ttl: 0 },
    runtime: { now: () => expiresAt },
  }
  const linker = async () => {
    const key = owner === undefined ? anyone.key : await ownerKey(owner)
    return createLinker(gateway, { ...anyone, key }, upstream)
  }
  return {
    file: async (citation) => (await linker()).file(citation),
    path: async (containerId, path) => (await linker()).path(containerId, path),
  }
}
