/**
 * URLs of the settings, as messages show them.
 *
 * @module
 */

/** A URL in quotes, without what may be a secret: user name, password, query and fragment. */
export function showUrl(text: string): string {
  const shown = text.replace(/\/\/[^/?#]*@/, '//…@').replace(/([?#]).+$/s, '$1…')
  return JSON.stringify(shown.slice(0, 100))
}
