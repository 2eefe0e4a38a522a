/**
 * What a token says of itself; the token is never shown.
 *
 * @module
 */

/** Describes an access token: for whom it is, of which tenant and app, and when it ends. */
export function describeToken(token: string, now: number): { found: string; isOver: boolean } {
  const { aud, tid, appid, azp, exp } = readClaims(token)
  if (typeof aud !== 'string') return { found: 'of a kind that does not tell', isOver: false }
  const minutes = Math.floor((Number(exp) - now) / 60)
  const parts = [
    `audience ${aud}`,
    ...(tid === undefined ? [] : [`tenant ${tid}`]),
    ...((appid ?? azp) === undefined ? [] : [`app ${appid ?? azp}`]),
    ...(Number.isNaN(minutes) ? [] : [minutes < 0 ? 'is over' : `ends in ${minutes} min`]),
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
