/**
 * Creates signed links for callers.
 *
 * @module
 */

import type { ContainerGrant, Grant } from '../core/links/grant.ts'
import type { LinkMaker, MadeLink } from '../core/rewrite/link-maker.ts'
import { anyone, type Caller, type GatewayRuntime, type LinkSettings } from './gateway.ts'

/** Options of a link. */
interface LinkTerms {
  /** Lifetime in seconds. @default `CFILE_LINK_TTL` */
  readonly ttl?: number
  /** Latest expiry, as a unix second. @default none */
  readonly until?: number
  readonly disposition?: 'attachment' | 'inline'
}

/** Creates the links of one caller to things in one upstream. */
interface Linker extends LinkMaker {
  /** Creates a link to the page or the zip of a container. */
  container(kind: ContainerGrant['kind'], containerId: string): Promise<MadeLink>
}

/**
 * Creates a linker for one caller.
 *
 * @param caller the owner of the linked things; each link grants what this owner may read
 * @param upstream name of the upstream that holds the things; `undefined` when it is not known
 */
export function createLinker(
  gateway: {
    readonly links: Pick<LinkSettings, 'signer' | 'publicUrl' | 'ttl'>
    readonly runtime: Pick<GatewayRuntime, 'now'>
  },
  caller: Caller,
  upstream: string | undefined,
  { ttl = gateway.links.ttl, until = Number.POSITIVE_INFINITY, disposition }: LinkTerms = {},
): Linker {
  const { signer, publicUrl } = gateway.links
  // Without caller auth there is one owner only, and leaving it out makes links shorter.
  const owner = caller.key === anyone.key ? undefined : caller.key
  const terms = () => ({
    upstream,
    owner,
    expiresAt: Math.min(gateway.runtime.now() + ttl, until),
  })
  const sign = async (grant: Grant): Promise<MadeLink> => ({
    download_url: await signer.sign(publicUrl, grant),
    expires_at: grant.expiresAt,
  })
  return {
    file: ({ container_id: containerId, file_id: fileId, filename }) =>
      sign({ kind: 'file', fileId, containerId, filename, disposition, ...terms() }),
    path: (containerId, path) => sign({ kind: 'path', containerId, path, disposition, ...terms() }),
    container: (kind, containerId) => sign({ kind, containerId, ...terms() }),
  }
}
