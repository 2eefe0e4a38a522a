/**
 * Links for back ends that call Azure themselves: what the gateway does to an answer that passes, as functions.
 *
 * @module
 */

import { createSigner, type LinkSettings } from '../core/links/signer.ts'
import type { LinkMaker, LinkMode, LinkOptions } from '../core/rewrite/link-maker.ts'
import { linkAnswer } from '../core/rewrite/linker.ts'
import { createEventLinker } from '../core/rewrite/stream-linker.ts'
import { eventTransform } from '../core/sse/pump.ts'
import { anyone } from '../gateway/gateway.ts'
import { createLinker } from '../gateway/links.ts'
import { ownerKey } from '../gateway/owners/caller.ts'

/** What the links of an answer are made from; a gateway with the same keys honours them. */
export interface RewriteOptions extends LinkSettings {
  /** The unix second in which they end. */
  readonly expiresAt: number
  /** Whose files they lead to. @default the one owner there is where the gateway does not tell callers apart */
  readonly owner?: string
  /** The gateway's name of the upstream that answered. @default any that has the container */
  readonly upstream?: string
  /** `annotate` leaves the text as it is. @default 'rewrite' */
  readonly mode?: LinkMode
}

/**
 * Gives a Responses object, or its JSON, the links of its files: each annotation a `download_url`, and `sandbox:` links
 * in the text replaced. JSON text keeps every other byte; an object is copied.
 *
 * @example
 * const answer = await rewriteLinks(await openai.responses.create(…), { base, keys, expiresAt: now + 3600 })
 * @throws CfileError `invalid_request` for keys that can't sign
 */
export async function rewriteLinks<Answer extends string | object>(
  answer: Answer,
  options: RewriteOptions,
): Promise<Answer> {
  if (typeof answer === 'string') return (await linkAnswer(answer, toLinks(options))) as Answer
  return JSON.parse(await linkAnswer(JSON.stringify(answer), toLinks(options)))
}

/**
 * Does the same to a stream of events; see the contract of `CFILE_LINKS=rewrite`.
 *
 * @example
 * return new Response(upstream.body.pipeThrough(rewriteLinkStream({ base, keys, expiresAt })))
 * @throws CfileError `invalid_request` for keys that can't sign
 */
export function rewriteLinkStream(
  options: RewriteOptions,
): TransformStream<Uint8Array, Uint8Array> {
  return eventTransform(createEventLinker(toLinks(options)))
}

function toLinks({ mode = 'rewrite', ...options }: RewriteOptions): LinkOptions {
  return { mode, links: makerOf(options) }
}

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
