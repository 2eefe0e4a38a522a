/**
 * Composes the answer of a model with the code interpreter: the call, its files, and the text that cites them.
 *
 * @module
 */

import { artefact, type Series, seriesFor } from './artefact.ts'
import { addFile } from './containers.ts'
import { type Content, fixed, generated } from './content.ts'
import { directs, endingOf, type PlannedFile, planFiles } from './plan.ts'
import type { CallOutput, Citation, MessageItem, OutputItem, OutputText } from './shapes.ts'
import { type Format, structure } from './structured.ts'
import type { Container, Emulation } from './world.ts'

/** The parts of a request that determine its answer. */
interface Question {
  readonly prompt: string
  readonly model: string
  /** The 16 digits with which all ids of the answer begin. */
  readonly shared: string
  /** Absent if the request has no code interpreter. */
  readonly container?: Container
  /** The form of the text; absent: plain text. */
  readonly format?: Format
}

const disclaimer =
  "This is cfile's emulator: no model runs here, nobody read your request, and no Python ran."

/**
 * Writes the files that a prompt asks for, and creates the output items.
 *
 * @param emulation clock and ids
 * @param question prompt, model, and the container that the code writes into
 * @returns a reasoning item for reasoning models, the call if there is a container, and the message, in the
 *   service's order
 */
export async function makeOutput(emulation: Emulation, question: Question): Promise<OutputItem[]> {
  const { container, prompt, model, shared, format } = question
  const newId = (prefix: string): string => emulation.ids.ofAnswer(prefix, shared, emulation.now())
  const output: OutputItem[] = []
  if (/^(?:gpt-5|o\d)/.test(model)) output.push({ id: newId('rs'), type: 'reasoning', summary: [] })
  if (container === undefined)
    return [...output, messageItem(newId('msg'), [formatted(format, prompt, disclaimer, [])])]
  const plan = planFiles(prompt)
  const { outputs, plots, written } = await write(emulation, container, prompt, plan)
  const composed = compose(prompt, container.id, plots, written)
  const { citations } = composed
  const text = directs(prompt, 'list') ? `${composed.text}\n${listing(container)}` : composed.text
  output.push({
    id: newId('ci'),
    type: 'code_interpreter_call',
    status: 'completed',
    code: codeFor(plan, seriesFor(prompt)),
    container_id: container.id,
    outputs,
  })
  const content: MessageItem['content'] = [formatted(format, prompt, text, citations)]
  if (directs(prompt, 'refusal')) content.push({ type: 'refusal', refusal: refusalOf(plan) })
  return [...output, messageItem(newId('msg'), content)]
}

interface Written {
  readonly name: string
  readonly id: string
}

/**
 * Writes the planned files into the container. A figure becomes two files, as in the service: one under its own name,
 * one under a generated name that is also shown in the call's outputs.
 *
 * @returns the outputs of the call, the ids of the generated plots, and the files that the answer cites
 */
async function write(
  emulation: Emulation,
  container: Container,
  prompt: string,
  plan: readonly PlannedFile[],
) {
  const outputs: CallOutput[] = []
  const plots: string[] = []
  const written: Written[] = []
  const source = 'assistant'
  const bytes = directs(prompt, 'null bytes') ? { bytes: null } : {}
  const ofKind = new Map<string, number>()
  for (const { name, cited, ...planned } of plan) {
    // The first file of each kind shows the same numbers; further files of a kind have their own.
    const earlier = ofKind.get(endingOf(name)) ?? 0
    ofKind.set(endingOf(name), earlier + 1)
    const content = await contentFor(name, prompt + '+'.repeat(earlier), planned.bytes)
    if (endingOf(name) === 'png' && planned.bytes === undefined) {
      // Code that displays a figure and saves it leaves two files with one picture.
      const id = emulation.ids.timed('cfile', 32, emulation.now())
      addFile(emulation, container, { id, path: `/mnt/data/${id}.png`, source, content, ...bytes })
      outputs.push({ type: 'image', url: dataUrl(content) })
      plots.push(id)
    }
    const path = `/mnt/data/${name}`
    const { id } = addFile(emulation, container, { path, source, content, ...bytes })
    if (cited) written.push({ name, id })
  }
  if (directs(prompt, 'glued')) {
    const path = '/mnt/data/a.png  /mnt/data/b.png'
    addFile(emulation, container, { path, source, content: fixed(new Uint8Array()), bytes: null })
  }
  outputs.push({ type: 'logs', logs: `(not run) wrote ${plan.length} files\n` })
  return { outputs, plots, written }
}

/**
 * The content of a planned file: drawn or written from the prompt, or filler of the requested size.
 *
 * @param bytes size that the prompt asks for; absent for a file of its natural size
 */
async function contentFor(
  name: string,
  prompt: string,
  bytes: number | undefined,
): Promise<Content> {
  if (bytes === undefined) return artefact(name, seriesFor(prompt))
  return generated(bytes, prompt, /^(?:txt|csv|tsv|md|log|json)$/.test(endingOf(name)))
}

/** A picture as the service shows it in the outputs of a call with `include[]=code_interpreter_call.outputs`. */
function dataUrl({ read, bytes }: Content): string {
  const binary = Array.from(read(0, bytes), (byte) => String.fromCharCode(byte)).join('')
  return `data:image/png;base64,${btoa(binary)}`
}

/**
 * Composes the text and its citations. The span of a citation covers the URL of its link.
 *
 * @param plots ids of the generated plots, which are cited without a place in the text
 * @param written files that the text links
 */
function compose(
  prompt: string,
  container_id: string,
  plots: readonly string[],
  written: readonly Written[],
): { text: string; citations: Citation[] } {
  const type = 'container_file_citation'
  const length = (text: string): number =>
    directs(prompt, 'code points') ? [...text].length : text.length
  const shift = directs(prompt, 'wrong spans') ? 3 : 0
  const citations: Citation[] = plots.map((file_id) => ({
    type,
    container_id,
    end_index: 0,
    file_id,
    filename: `${file_id}.png`,
    start_index: 0,
  }))
  let text = written.length > 0 ? `${disclaimer} These files are real, though:\n` : disclaimer
  const linked = directs(prompt, 'twice') ? [...written, ...written] : written
  for (const { name, id } of linked) {
    const isImage = directs(prompt, 'image link') && endingOf(name) === 'png'
    text += `\n- ${isImage ? '!' : ''}[${name}](`
    const start_index = length(text) + shift
    text += `sandbox:/mnt/data/${name}`
    const end_index = length(text) + shift
    const filename = name.slice(name.lastIndexOf('/') + 1)
    citations.push({ type, container_id, end_index, file_id: id, filename, start_index })
    text += ')'
  }
  return { text, citations: directs(prompt, 'no annotations') ? [] : citations }
}

/**
 * Creates a text part in the form that the request asks for, and moves the spans accordingly.
 *
 * @param format absent for plain text
 * @param plain text with its links; citations count in it
 */
function formatted(
  format: Format,
  prompt: string,
  plain: string,
  citations: Citation[],
): OutputText {
  if (format === undefined) return outputText(plain, citations)
  const { text, upTo } = structure(format.schema, plain)
  const isPoints = directs(prompt, 'code points')
  const moved = (index: number): number => {
    const part = upTo(isPoints ? [...plain].slice(0, index).join('') : plain.slice(0, index))
    return isPoints ? [...(part ?? '')].length : (part ?? '').length
  }
  const place = ({ start_index, end_index, ...rest }: Citation): Citation =>
    end_index === 0
      ? { ...rest, start_index, end_index }
      : { ...rest, start_index: moved(start_index), end_index: moved(end_index) }
  return outputText(text, citations.map(place))
}

/** Lists the files that code in the container can read. */
function listing({ files }: Container): string {
  return `The container holds: ${[...files.values()].map(({ path }) => path).join(', ')}`
}

/** The text of a refusal. It has a link too, which no gateway may rewrite, since a refusal is no text part. */
function refusalOf([first]: readonly PlannedFile[]): string {
  return `I can't say more about [it](sandbox:/mnt/data/${first?.name ?? 'it.csv'}).`
}

/** A text part. `logprobs` is empty because the request cannot ask for them here. */
function outputText(text: string, annotations: Citation[]): OutputText {
  return { type: 'output_text', annotations, logprobs: [], text }
}

/** A finished message of the model. */
function messageItem(id: string, content: MessageItem['content']): MessageItem {
  return { id, type: 'message', status: 'completed', content, role: 'assistant' }
}

const writers: Readonly<Record<string, string>> = {
  csv: 'df.to_csv(PATH, index=False)',
  xlsx: 'df.to_excel(PATH, index=False)',
  json: 'df.to_json(PATH)',
  html: 'df.to_html(PATH)',
}

/** A script for a plan, with the numbers that are in the files. */
function codeFor(plan: readonly PlannedFile[], series: Series): string {
  const { unit, labels, values, chart } = series
  const lines = plan.flatMap(({ name }) => {
    const path = JSON.stringify(`/mnt/data/${name}`)
    if (endingOf(name) === 'png') {
      return [`df.plot.${chart}(x="${unit}", y="sales")`, `plt.savefig(${path})`, 'plt.show()']
    }
    const writer = writers[endingOf(name)] ?? 'open(PATH, "wb").write(content)'
    return [writer.replace('PATH', () => path)]
  })
  return [
    "# Not run: cfile's emulator wrote the files itself.",
    'import pandas as pd',
    'import matplotlib.pyplot as plt',
    `df = pd.DataFrame({"${unit}": ${JSON.stringify(labels)}, "sales": ${JSON.stringify(values)}})`,
    ...lines,
    '',
  ].join('\n')
}
