/**
 * Lenient JSON parsers like those of some servers, and the ids that they would find in a body. Independent of the
 * gateway's parser, to test it.
 */

/** Which of two equal keys counts. */
export type Wins = 'first' | 'last'

/**
 * Parses everything that some parser accepts as JSON: comments, extra commas, single quotes, bare words, control
 * characters, NaN, text after the value, UTF-16, gzip. `undefined` when there is no value.
 */
export function parseLeniently(bytes: Uint8Array, wins: Wins): unknown {
  try {
    return readValue({ text: decode(inflate(bytes)), at: 0, wins })
  } catch {
    return undefined
  }
}

/** Unpacks stored (uncompressed) gzip, ignoring its checksum. */
function inflate(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? bytes.subarray(15) : bytes
}

function decode(bytes: Uint8Array): string {
  const [first, second] = bytes
  const isLittle = (first === 0xff && second === 0xfe) || (first !== 0 && second === 0)
  const isBig = (first === 0xfe && second === 0xff) || (first === 0 && second !== 0)
  if (isBig) return new TextDecoder('utf-16be').decode(bytes)
  return new TextDecoder(isLittle ? 'utf-16le' : 'utf-8').decode(bytes)
}

interface Cursor {
  readonly text: string
  at: number
  readonly wins: Wins
}

function skip(cursor: Cursor): void {
  const blank = /(?:[\s\ufeff\0]|\/\/[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\/)*/y
  blank.lastIndex = cursor.at
  cursor.at += blank.exec(cursor.text)?.[0].length ?? 0
}

function readValue(cursor: Cursor): unknown {
  skip(cursor)
  const first = cursor.text[cursor.at]
  if (first === '{') return readObject(cursor)
  if (first === '[') return readList(cursor)
  if (first === '"' || first === "'") return readText(cursor, first)
  return readWord(cursor)
}

function readObject(cursor: Cursor): Record<string, unknown> {
  const found = new Map<string, unknown>()
  cursor.at += 1
  for (;;) {
    skip(cursor)
    const first = cursor.text[cursor.at]
    if (first === undefined) throw new Error('no end')
    if (first === '}') break
    if (first === ',') {
      cursor.at += 1
      continue
    }
    const key = first === '"' || first === "'" ? readText(cursor, first) : readWord(cursor)
    skip(cursor)
    if (cursor.text[cursor.at] === ':') cursor.at += 1
    const value = readValue(cursor)
    if (cursor.wins === 'last' || !found.has(String(key))) found.set(String(key), value)
  }
  cursor.at += 1
  return Object.fromEntries(found)
}

function readList(cursor: Cursor): unknown[] {
  const found: unknown[] = []
  cursor.at += 1
  for (;;) {
    skip(cursor)
    const first = cursor.text[cursor.at]
    if (first === undefined) throw new Error('no end')
    if (first === ']') break
    if (first === ',') cursor.at += 1
    else found.push(readValue(cursor))
  }
  cursor.at += 1
  return found
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' }

function readText(cursor: Cursor, quote: string): string {
  let text = ''
  for (cursor.at += 1; ; cursor.at += 1) {
    const unit = cursor.text[cursor.at]
    if (unit === undefined) throw new Error('no end')
    if (unit === quote) break
    if (unit !== '\\') {
      text += unit
      continue
    }
    cursor.at += 1
    const code = /^u[0-9a-f]{4}/i.exec(cursor.text.slice(cursor.at, cursor.at + 5))
    const letter = cursor.text[cursor.at] ?? ''
    text +=
      code === null
        ? (escapes[letter] ?? letter)
        : String.fromCharCode(Number.parseInt(code[0].slice(1), 16))
    if (code !== null) cursor.at += 4
  }
  cursor.at += 1
  return text
}

function readWord(cursor: Cursor): unknown {
  const word = /[^\s,:{}[\]"'/#]+/y
  word.lastIndex = cursor.at
  const [text] = word.exec(cursor.text) ?? []
  if (text === undefined) throw new Error('no value')
  cursor.at += text.length
  return text === 'null' ? null : text
}

const naming = new Set(
  `previousresponseid responseid conversation conversationid container containerid file fileid fileids inputfileid
   trainingfile validationfile vectorstoreid vectorstoreids threadid assistantid skillid`.split(
    /\s+/,
  ),
)
// A string below one of these keys is no id; the `id` of an object is.
const objects = new Set(['prompt', 'voice', 'audio', 'video', 'source'])

/**
 * Ids of other owners that a server would find under a naming key, ignoring case and separators of the key, also inside
 * lists and objects. Ids of containers and their files count under every key.
 */
export function foreignIds(body: unknown, foreign: ReadonlySet<string>): string[] {
  const found: string[] = []
  walk(body, { path: '', below: 'nothing' }, (text) => {
    // Servers trim ids; some end them at a NUL.
    const id = text.split('\0')[0]?.trim() ?? ''
    if (foreign.has(id)) found.push(id)
  })
  return found
}

interface Where {
  readonly path: string
  /** Meaning of the parent key: a naming key, an object with an `id`, or neither. */
  readonly below: 'name' | 'object' | 'nothing'
}

const ownWords =
  /^\.metadata$|\.tools(?:\.\d+)*\.parameters$|\.input(?:\.\d+)*\.tools(?:\.\d+)*\.annotations$/
const items = /\.input(?:\.\d+)*$/
const parts = /\.input(?:\.\d+)*\.content(?:\.\d+)*$/

function walk(value: unknown, { path, below }: Where, tell: (text: string) => void): void {
  if (typeof value === 'string' && (below === 'name' || isOfContainers(value, path))) tell(value)
  if (typeof value !== 'object' || value === null || ownWords.test(path)) return
  const type = 'type' in value ? value.type : undefined
  const echo =
    type === 'output_text' && parts.test(path)
      ? 'annotations'
      : type === 'file_search_call' && items.test(path)
        ? 'results'
        : undefined
  for (const [key, inner] of Object.entries(value)) {
    if (echo === key) {
      // In an echo only ids of containers and files count.
      walk(inner, { path: `${path}.${key}`, below: 'nothing' }, tell)
      continue
    }
    const next = Array.isArray(value) ? below : belowKey(key, below)
    walk(inner, { path: `${path}.${key}`, below: next }, tell)
  }
}

function isOfContainers(text: string, path: string): boolean {
  return /^c(?:ntr|file)_/.test(text) && !path.endsWith('.type')
}

function belowKey(key: string, around: Where['below']): Where['below'] {
  if (key.toLowerCase() === 'id' && around !== 'nothing') return 'name'
  const folded =
    key
      .normalize('NFKC')
      .split('\0')[0]
      ?.toLowerCase()
      .replace(/[^a-z0-9]/g, '') ?? ''
  if (objects.has(folded)) return 'object'
  return naming.has(folded) ? 'name' : 'nothing'
}
