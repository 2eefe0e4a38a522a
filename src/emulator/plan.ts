/**
 * Derives from a prompt which files an answer contains, and their names. It matches words; no model reads the prompt.
 *
 * @module
 */

/** A file to be written. */
export interface PlannedFile {
  readonly name: string
  /** Present if the prompt asks for a size. */
  readonly bytes?: number
  /** Whether the answer mentions it. */
  readonly cited: boolean
}

/**
 * Directives: words in brackets that change an answer.
 *
 * | directive | effect |
 * |---|---|
 * | `fail` | the response ends as failed |
 * | `error` | its stream has an error event before it fails |
 * | `incomplete` | it ends as incomplete |
 * | `uncited` | there is a scratch file that the answer does not mention |
 * | `glued` | one row of the container consists of two paths |
 * | `null bytes` | the rows of its files have no size |
 * | `no annotations` | the text has links without citations |
 * | `wrong spans` | the spans miss the links |
 * | `code points` | the spans count code points, not UTF-16 units |
 * | `image link` | pictures are linked as images |
 * | `twice` | the text has each link twice |
 * | `list` | the text lists the files in the container |
 * | `refusal` | the message has a refusal after its text |
 */
export const directives = [
  'fail',
  'error',
  'incomplete',
  'uncited',
  'glued',
  'null bytes',
  'no annotations',
  'wrong spans',
  'code points',
  'image link',
  'twice',
  'list',
  'refusal',
] as const

/** One of the directives, without its brackets. */
type Directive = (typeof directives)[number]

/**
 * Whether a prompt contains a directive.
 *
 * @param prompt of the user's last message
 * @param directive without its brackets
 */
export function directs(prompt: string, directive: Directive): boolean {
  return prompt.includes(`[${directive}]`)
}

const kinds = [
  'chart|plot|graph|diagram=sales_chart.png',
  'csv=sales.csv',
  'spreadsheet|excel|xlsx=sales.xlsx',
  'json=sales.json',
  'html|web ?page=report.html',
  'svg=sales.svg',
  'pdf=report.pdf',
  'zip=sales.zip',
].map((kind) => {
  const [words, name = ''] = kind.split('=')
  return { words: new RegExp(`\\b(?:${words})s?\\b`, 'i'), name }
})

const plain = /\b(?:text|txt|report|note|file)s?\b/i

/**
 * The files that a prompt asks for: named files, numbers of files, and one of each other kind.
 *
 * @param prompt of the user's last message
 * @returns in the order in which the answer mentions them; none for a prompt that asks for no file
 */
export function planFiles(prompt: string): PlannedFile[] {
  const { names, rest } = readNames(prompt)
  if (names.length === 0) names.push(...readCount(prompt))
  const isNew = (name: string) => names.every((other) => endingOf(other) !== endingOf(name))
  const others = kinds.flatMap(({ words, name }) => (words.test(rest) && isNew(name) ? name : []))
  const bytes = readSize(prompt)
  if (bytes !== undefined && names.length === 0) names.push(nameForSize(prompt, others))
  const all = new Set([...names, ...others])
  if (all.size === 0 && plain.test(prompt)) all.add('report.txt')
  const files: PlannedFile[] = [...all].map((name) => ({
    name,
    bytes: names.includes(name) ? bytes : undefined,
    cited: true,
  }))
  if (/\buncited\b/i.test(prompt)) files.push({ name: 'scratch.txt', cited: false })
  return files
}

/** A size belongs to the only requested table, else to a separate file, but never to a chart. */
function nameForSize(prompt: string, others: readonly string[]): string {
  const [table, another] = others.filter((name) => endingOf(name) !== 'png')
  const isTable = another === undefined && !/\bbinary\b/i.test(prompt)
  return (isTable ? table : undefined) ?? 'data.bin'
}

const units: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, G: 1e9 }

/** Parses `5 MB`, `1.5 GB`, `64 KiB`, `100 bytes`. */
function readSize(prompt: string): number | undefined {
  const [, amount, unit = '', binary] =
    /\b(\d+(?:\.\d+)?) ?(?:([KMG])(i?)B|B|bytes?)\b/i.exec(prompt) ?? []
  if (amount === undefined) return undefined
  const factor = units[unit.toUpperCase()] ?? 1
  const bytes = binary ? 1024 ** Math.round(Math.log10(factor) / 3) : factor
  return Math.round(Number(amount) * bytes)
}

const numerals = 'zero one two three four five six seven eight nine ten'.split(' ')
const many =
  /\b(\d{1,4}|two|three|four|five|six|seven|eight|nine|ten) ((?:[\w-]+ )??)(files|charts|plots|csvs|spreadsheets|reports|pdfs)\b/i

/** Parses `3 files`, `two CSV files`, `12 charts` to as many numbered names. */
function readCount(prompt: string): string[] {
  const [, number = '', adjective = '', noun = ''] = many.exec(prompt) ?? []
  if (number === '') return []
  const count = Math.min(Number(number) || numerals.indexOf(number.toLowerCase()), 1000)
  const name = kinds.find(({ words }) => words.test(adjective + noun))?.name ?? 'file.txt'
  return Array.from({ length: count }, (_, index) => name.replace('.', `_${index + 1}.`))
}

const ending =
  '(?:png|jpe?g|gif|webp|svg|csv|tsv|xlsx?|docx?|pptx?|pdf|txt|md|json|xml|html?|js|py|zip|gz|bin|dat|log|parquet|mp4)'
const whole = `\\.${ending}(?!\\w|\\.\\w)`
// A word for a kind does not begin a name: "as CSV", "as a spreadsheet".
const noName = '(?!(?:an?|the|csv|json|excel|text|pdf|png|svg|html|zip)\\s)'
const patterns = [
  /["“]([^"”\n]+\.\w{1,8})["”]|`([^`\n]+\.\w{1,8})`|(?<=^|\s)'([^'\n]+\.\w{1,8})'/g,
  new RegExp(
    `\\b(?:as|called|named) ${noName}([^\\s"“'\`,;:][^"“”\`,;:\\n]{0,80}?${whole})`,
    'giu',
  ),
  new RegExp(`([^\\s"“”'\`,;:()<>[\\]]+${whole})`, 'giu'),
]

/** Quoted names, which may contain anything; names after `as` or `called`, which may contain blanks; bare names. */
function readNames(prompt: string): { names: string[]; rest: string } {
  const names: string[] = []
  let rest = prompt
  for (const pattern of patterns) {
    rest = rest.replace(pattern, (_, ...groups) => {
      names.push(String(groups.find((group) => typeof group === 'string')))
      return ' '
    })
  }
  return { names: [...new Set(names)], rest }
}

/**
 * The extension without its dot, in lower case; empty if there is none.
 *
 * @param name of a file, without a path
 */
export function endingOf(name: string): string {
  return /\.([^.]*)$/.exec(name)?.[1]?.toLowerCase() ?? ''
}
