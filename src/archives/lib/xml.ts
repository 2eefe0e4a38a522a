/**
 * Reads the simple XML of storage services: texts of elements by name, without attributes, namespaces and elements
 * nested in others of the same name.
 *
 * @module
 */

/** The raw content of each element with a name, in order. */
export function elementsOf(xml: string, name: string): string[] {
  const shape = new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g')
  return [...xml.matchAll(shape)].map(([, inner = '']) => inner)
}

/** The text of the first element with a name; `undefined` if there is none. */
export function textOf(xml: string, name: string): string | undefined {
  const inner = elementsOf(xml, name)[0]
  return inner?.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, unescapeOne)
}

const named = new Map(Object.entries({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }))

function unescapeOne(whole: string, decimal?: string, hex?: string, name?: string): string {
  if (name !== undefined) return named.get(name) ?? whole
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
  return code <= 0x10ffff ? String.fromCodePoint(code) : whole
}

/** Escapes a text for the content of an element. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&'"]/g, (char) => `&#${char.charCodeAt(0)};`)
}
