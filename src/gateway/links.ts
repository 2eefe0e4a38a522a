/**
 * Makes the signed links that people are given.
 *
 * @module
 */

import type { ContainerGrant } from '../core/links/grant.ts'
import type { LinkMaker, MadeLink } from '../core/rewrite/link-maker.ts'
import { anyone, type Caller, type GatewayRuntime, type LinkSettings } from './gateway.ts'

/** Terms of a link beyond the thing itself. */
export interface LinkTerms {
  /** Seconds that it lives. @default the gateway's */
  readonly ttl?: number
  /** The unix second that no link outlives. @default none */
  readonly until?: number
  readonly disposition?: 'attachment' | 'inline'
}

/** Makes the links of one caller to what one upstream holds. */
export interface Linker extends LinkMaker {
  /** A link to the page or the zip of a container. */
  container(kind: ContainerGrant['kind'], containerId: string): Promise<MadeLink>
}

/**
 * Makes a maker of links.
 *
 * @param upstream the name of the upstream that holds the things; absent where it is not known
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
  // Without caller auth there is one owner, and links are shorter without it.
  const owner = caller.key === anyone.key ? undefined : caller.key
  const terms = () => ({
    upstream,
    owner,
    expiresAt: Math.min(gateway.runtime.now() + ttl, until),
  })
  const made = async (link: Promise<string>, expires_at: number): Promise<MadeLink> => ({
    download_url: await link,
    expires_at,
  })
  return {
    file({ container_id: containerId, file_id: fileId, filename }) {
      const grant = {
        kind: 'file',
        fileId,
        containerId,
        filename,
        disposition,
        ...terms(),
      } as const
      return made(signer.sign(publicUrl, grant), grant.expiresAt)
    },
    path(containerId, path) {
      const grant = { kind: 'path', containerId, path, disposition, ...terms() } as const
      return made(signer.sign(publicUrl, grant), grant.expiresAt)
    },
    container(kind, containerId) {
      const grant = { kind, containerId, ...terms() }
      return made(signer.sign(publicUrl, grant), grant.expiresAt)
    },
  }
}
