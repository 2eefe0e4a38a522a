/**
 * Deliveries of Azure's webhooks, signed as the Standard Webhooks specification says.
 *
 * @module
 */

/** A delivery. */
export interface Delivery {
  /** `webhook-id`. @default a new one */
  readonly id?: string
  /** Type of the event. @default 'response.completed' */
  readonly type?: string
  /** Id of the response that has ended. */
  readonly response?: string
  /** Unix second of the delivery. */
  readonly at: number
  /** The body. @default an event about the response */
  readonly body?: string
}

/** Writes a secret as Azure shows it. */
export function showSecret(secret: Uint8Array): string {
  return `whsec_${btoa(String.fromCharCode(...secret))}`
}

/**
 * Creates the request of a delivery.
 *
 * @param secret the bytes after `whsec_`
 */
export async function signDelivery(
  secret: Uint8Array<ArrayBuffer>,
  {
    id = `evt_${crypto.randomUUID()}`,
    type = 'response.completed',
    response,
    at,
    body = JSON.stringify({ id, object: 'event', created_at: at, type, data: { id: response } }),
  }: Delivery,
): Promise<RequestInit> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', secret, algorithm, false, ['sign'])
  const text = new TextEncoder().encode(`${id}.${at}.${body}`)
  const signature = new Uint8Array(await crypto.subtle.sign('HMAC', key, text))
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(at),
    'webhook-signature': `v1,${btoa(String.fromCharCode(...signature))}`,
  }
  return { method: 'POST', headers, body }
}
