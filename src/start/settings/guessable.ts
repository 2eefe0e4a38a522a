/**
 * How hard a secret is to guess, estimated from its text alone.
 *
 * @module
 */

/**
 * The bits of a secret, at most: by how often each character, and each step from one character to the next, occurs in
 * the shortest part that is repeated. Random text has 3 bits or more a character, `aaaa…`, `abab…` and `0123…` next to
 * none. A password from a word list is not recognised.
 *
 * @param secret its bytes, as UTF-8
 */
export function estimateBits(secret: Uint8Array): number {
  const part = secret.subarray(0, periodOf(secret))
  const steps = part.subarray(1).map((byte, index) => byte - (part[index] ?? 0))
  return part.byteLength * Math.min(entropyOf(part), entropyOf(steps))
}

/** The length of the shortest prefix whose repetition is the whole. */
function periodOf(bytes: Uint8Array): number {
  for (let period = 1; period <= bytes.byteLength / 2; period += 1) {
    if (bytes.every((byte, index) => byte === bytes[index % period])) return period
  }
  return bytes.byteLength
}

/** Shannon's entropy of one symbol, in bits. */
function entropyOf(symbols: Uint8Array): number {
  const counts = new Map<number, number>()
  for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) {
    const share = count / symbols.byteLength
    bits -= share * Math.log2(share)
  }
  return bits
}
