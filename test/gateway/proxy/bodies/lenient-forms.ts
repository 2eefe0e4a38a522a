/**
 * Lenient parsers of forms, like those of some servers. Independent of the gateway's parser, to test it.
 */

/** A field that one of the parsers found. */
export type Field = readonly [name: string, value: string]

/** Splits a form at every occurrence of the boundary and accepts any line ending. The last of several names counts. */
export function splitForm(bytes: Uint8Array, boundary: string): Field[] {
  const text = new TextDecoder('latin1').decode(bytes)
  return text.split(`--${boundary}`).flatMap((part) => {
    const { index = -1, 0: blank = '' } = /\r\n\r\n|\n\n|\r\r|\n\r\n/.exec(part) ?? {}
    if (index === -1) return []
    return names(part.slice(0, index)).map(
      (name): Field => [name, part.slice(index + blank.length).trim()],
    )
  })
}

/** Accepts only lines that begin with the boundary. The first of several names counts. */
export function readLines(bytes: Uint8Array, boundary: string): Field[] {
  const fields: Field[] = []
  let head: string[] | undefined
  let value: string[] | undefined
  const end = (): void => {
    const [name] = names(head?.join('\n') ?? '')
    if (name !== undefined && value !== undefined) fields.push([name, value.join('\n').trim()])
  }
  for (const line of new TextDecoder('latin1').decode(bytes).split(/\r\n|\n|\r/)) {
    if (line.startsWith(`--${boundary}`)) {
      end()
      head = []
      value = undefined
    } else if (value !== undefined) value.push(line)
    else if (line.trim() === '') value = []
    else head?.push(line)
  }
  end()
  return fields
}

/** Parses with the `formData()` of the platform. */
export async function readPlatform(bytes: Uint8Array<ArrayBuffer>, type: string): Promise<Field[]> {
  try {
    const form = await new Response(bytes, { headers: { 'content-type': type } }).formData()
    return [...form].map(
      ([name, value]): Field => [name, typeof value === 'string' ? value.trim() : ''],
    )
  } catch {
    return []
  }
}

function names(head: string): string[] {
  const escaped = /[;\s]name\*?\d*\*?\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))/gi
  const plainly = /[;\s]name\*?\d*\*?\s*=\s*(?:"([^"]*)"|([^\s;]+))/gi
  // What stands outside of quotes for a parser that knows no escapes.
  const unquoted = head.replace(/"[^"]*"/g, '""')
  const found = [
    ...head.matchAll(escaped),
    ...head.matchAll(plainly),
    ...unquoted.matchAll(plainly),
  ]
  return found.flatMap(([, quoted, plain]) => {
    const name = (quoted ?? plain ?? '').replace(/^utf-8'[^']*'/i, '')
    return [name, name.replace(/\\(.)/g, '$1')]
  })
}

/** Whether a field names a file of another owner, ignoring case and separators in its name. */
export function isForeign([name, value]: Field, foreign: ReadonlySet<string>): boolean {
  const folded = name
    .replace(/%5f/gi, '_')
    .toLowerCase()
    .replace(/[^a-z]/g, '')
  return /^fileids?$/.test(folded) && foreign.has(value.replace(/\0.*$/, ''))
}
