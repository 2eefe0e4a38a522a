/**
 * Links as they are handed to people: grants of one thing that end.
 *
 * @module
 */

import type { ContainerGrant } from '../core/grant.ts'
import type { LinkMaker, MadeLink } from '../core/links.ts'
import { anyone, type Caller, type Gateway } from './gateway.ts'

/** What a link is made for, beyond the thing itself. */
export interface LinkTerms {
  /** Seconds that it lives. @default the gateway's */
  readonly ttl?: number
  readonly disposition?: 'attachment' | 'inline'
}

/** Makes the links of one caller to what one upstream holds. */
export interface Linker extends LinkMaker {
  /** A link to the page, the zip or the list of a container. */
  container(kind: ContainerGrant['kind'], containerId: string): Promise<MadeLink>
}

/**
 * Makes a maker of links.
 *
 * @param upstream the name of the upstream that holds the things; absent where nobody knows
 */
export function createLinker(
  gateway: Pick<Gateway, 'signer' | 'publicUrl' | 'linkTtl' | 'now'>,
  caller: Caller,
  upstream: string | undefined,
  { ttl = gateway.linkTtl, disposition }: LinkTerms = {},
): Linker {
  const { signer, publicUrl } = gateway
  const owner = caller.key
  const terms = () => ({ upstream, owner, expiresAt: gateway.now() + ttl })
  const made = async (link: Promise<string>, expires_at: number): Promise<MadeLink> => ({
    download_url: await link,
    expires_at,
  })
  return {
    file({ container_id: containerId, file_id: fileId, filename }) {
      const { expiresAt, ...rest } = terms()
      const grant = { kind: 'file', fileId, containerId, filename, disposition, expiresAt } as const
      // Of one owner for all there is nothing to tell, and a link is shorter without it.
      const known = owner === anyone.key ? { ...rest, owner: undefined } : rest
      return made(signer.sign(publicUrl, { ...grant, ...known }), expiresAt)
    },
    path(containerId, path) {
      const { expiresAt, ...rest } = terms()
      const grant = { kind: 'path', containerId, path, disposition, expiresAt, ...rest } as const
      return made(signer.sign(publicUrl, grant), expiresAt)
    },
    container(kind, containerId) {
      const { expiresAt, ...rest } = terms()
      return made(signer.sign(publicUrl, { kind, containerId, expiresAt, ...rest }), expiresAt)
    },
  }
}
