/**
 * Settings that are lists of names and secrets: `name:secret,name2:secret2`.
 *
 * @module
 */

import { CfileError } from '../errors.ts'

/** One entry of such a setting. */
export interface NamedSecret {
  readonly name: string
  readonly secret: string
}

/** What a setting is called, and the form it takes, in words. */
export interface SecretSetting {
  readonly setting: string
  readonly takes: string
}

/**
 * Reads `name:secret,name2:secret2`, blanks around an entry aside. A name ends at the first `:`, a secret at the next
 * `,`. What an entry holds is the caller's to check.
 *
 * @throws CfileError `invalid_request` for an entry without a name or without a secret
 */
export function parseNamedSecrets(text: string, setting: SecretSetting): NamedSecret[] {
  return text.split(',').map((entry, index) => {
    const trimmed = entry.trim()
    const colon = trimmed.indexOf(':')
    if (colon < 1) throw wrongEntry(setting, index, 'has no name before a ":"')
    if (colon === trimmed.length - 1) throw wrongEntry(setting, index, 'has nothing behind its ":"')
    return { name: trimmed.slice(0, colon), secret: trimmed.slice(colon + 1) }
  })
}

/**
 * The error for an entry that can't be used. It tells the entry's place and nothing of what it holds: where a colon or a
 * comma is misplaced, part of a secret stands where the name should.
 */
export function wrongEntry(
  { setting, takes }: SecretSetting,
  index: number,
  fault: string,
): CfileError {
  return new CfileError(
    'invalid_request',
    `${setting} got a value (masked) whose entry ${index + 1} ${fault}; it takes ${takes}.`,
    { param: setting },
  )
}
