/**
 * Just enough XML for the flat answers of storage services: the texts of elements by name, without attributes,
 * namespaces or an element inside one of its own name.
 *
 * @module
 */

/** What stands inside each element of that name, in order and as it is written. */
export function elementsOf(xml: string, name: string): string[] {
  const shape = new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g')
  return [...xml.matchAll(shape)].map(([, inner = '']) => inner)
}

/** The text of the first element of that name, or `undefined`. */
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

/** A text as it is written inside an element. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&'"]/g, (char) => `&#${char.charCodeAt(0)};`)
}
