/**
 * Reads settings that are lists of names and secrets: `name:secret,name2:secret2`.
 *
 * @module
 */

import { CfileError } from '../errors.ts'

/** One entry of such a setting. */
export interface NamedSecret {
  readonly name: string
  readonly secret: string
}

/** The name of a setting and a description of its format. */
export interface SecretSetting {
  readonly setting: string
  readonly takes: string
}

/**
 * Reads `name:secret,name2:secret2`. Blanks around an entry are ignored. A name ends at the first `:`, a secret at the
 * next `,`. The caller checks names and secrets.
 *
 * @throws CfileError `invalid_request` for an entry without a name or without a secret
 */
export function parseNamedSecrets(text: string, setting: SecretSetting): NamedSecret[] {
  return text.split(',').map((entry, index) => {
    const trimmed = entry.trim()
    const colon = trimmed.indexOf(':')
    if (colon < 1) throw wrongEntry(setting, index, 'has no name before a ":"')
    if (colon === trimmed.length - 1) throw wrongEntry(setting, index, 'has nothing after its ":"')
    return { name: trimmed.slice(0, colon), secret: trimmed.slice(colon + 1) }
  })
}

/**
 * The error for a wrong entry. It shows the entry's position but none of its content: with a misplaced colon or comma,
 * part of a secret stands in place of the name.
 *
 * @param index position of the entry, from 0
 * @param fault predicate of the entry, such as `has no name`
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
