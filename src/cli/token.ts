/**
 * Describes access tokens without showing them.
 *
 * @module
 */

/** Describes an access token by its audience, tenant, app and expiry. */
export function describeToken(token: string, now: number): { found: string; isOver: boolean } {
  const { aud, tid, appid, azp, exp } = readClaims(token)
  if (typeof aud !== 'string')
    return { found: 'opaque: its claims are not readable', isOver: false }
  const minutes = Math.floor((Number(exp) - now) / 60)
  const parts = [
    `audience ${aud}`,
    ...(tid === undefined ? [] : [`tenant ${tid}`]),
    ...((appid ?? azp) === undefined ? [] : [`app ${appid ?? azp}`]),
    ...(Number.isNaN(minutes) ? [] : [minutes < 0 ? 'has expired' : `expires in ${minutes} min`]),
  ]
  return { found: parts.join(', '), isOver: minutes < 0 }
}

function readClaims(token: string): Record<string, unknown> {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
    return Object(JSON.parse(payload))
  } catch {
    return {}
  }
}
