import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWebhookVerifier, parseWebhookSecret } from '../../../src/gateway/capture/webhook.ts'
import { rounds } from '../../lib/rounds.ts'

const secretText = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const secret = parseWebhookSecret(secretText)
const bytes = (text: string) => new TextEncoder().encode(text)
// The example of the Standard Webhooks specification.
const example = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: '1614265330',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}
const body = '{"test": 2432232314}'

describe('a webhook signature', () => {
  if (secret === undefined) throw new Error('The secret of the example is not read.')
  const verify = createWebhookVerifier([secret])

  it('is accepted in the specification’s own example', async () => {
    expect(await verify(example, bytes(body), 1614265330)).toBe(true)
  })

  it('is accepted among others and with any of several secrets, so that secrets can be rotated', async () => {
    const other = crypto.getRandomValues(new Uint8Array(32))
    const several = createWebhookVerifier([other, secret])
    const signature = `v2,abc v1,${btoa('x'.repeat(32))} ${example.signature}`
    expect(await several({ ...example, signature }, bytes(body), 1614265330)).toBe(true)
    expect(await createWebhookVerifier([other])(example, bytes(body), 1614265330)).toBe(false)
  })

  it('is refused more than five minutes before or after', async () => {
    const at = (now: number) => verify(example, bytes(body), now)
    expect(await Promise.all([-301, -300, 300, 301].map((by) => at(1614265330 + by)))).toEqual([
      false,
      true,
      true,
      false,
    ])
  })

  it('is refused for any other body, id or time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('body', 'id', 'timestamp', 'signature'),
        fc.nat(),
        fc.integer({ min: 33, max: 126 }),
        async (part, at, code) => {
          const parts = { ...example, body }
          const text = parts[part]
          const index = at % text.length
          const changed = text.slice(0, index) + String.fromCharCode(code) + text.slice(index + 1)
          fc.pre(changed !== text)
          // The last character of the base64 of 32 bytes has unused bits.
          fc.pre(part !== 'signature' || index < text.length - 2)
          const { body: sent, ...headers } = { ...parts, [part]: changed }
          expect(await verify(headers, bytes(sent), 1614265330)).toBe(false)
        },
      ),
      { numRuns: rounds(300) },
    )
  })
})

describe('a webhook secret', () => {
  it('is read in the displayed form, and in no other form', () => {
    expect(secret?.byteLength).toBe(24)
    for (const text of [
      '',
      'whsec_',
      'whsec_abc',
      'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      'whsec_äöü',
    ]) {
      expect(parseWebhookSecret(text)).toBeUndefined()
    }
  })
})
