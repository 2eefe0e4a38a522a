/** JSON bodies of about 48 MB, each expensive to read for another reason. */

const bytes = 48 * 1024 ** 2

const repeat = (text: string, times: number = Math.floor(bytes / text.length)): string =>
  text.repeat(times)

const link = `"annotations":[{"type":"container_file_citation","container_id":"cntr_bench","file_id":"cfile_bench","download_url":"x"}]`
const message = `{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a text",${link}}]},`

/** The bodies by a description of their content. */
export const large: Readonly<Record<string, () => string>> = {
  numbers: () => `[${repeat('1,')}1]`,
  'numbers, 10 MB': () => `[${repeat('1,', 5 * 1024 ** 2)}1]`,
  lists: () => `[${repeat('[],')}1]`,
  objects: () => `[${repeat('{"a":1},')}1]`,
  keys: () => `[{${repeat('"file":null,"b":1},{')}"a":1}]`,
  'one text': () => `"${repeat('x')}"`,
  'one text of escapes': () => `"${repeat('\\n')}"`,
  'one text, not ASCII': () => `"${repeat('€', bytes / 3)}"`,
  'messages with links': () => `[${repeat(message)}{}]`,
  'one message of 15 MB with links': () =>
    `[{"role":"assistant","content":[{"type":"output_text","text":"${repeat('a \\n', 3 * 1024 ** 2)}",${link}}]}]`,
}
