/**
 * `cfile restore`: creates a new container with the archived files of an expired one.
 *
 * @module
 */

import { type Command, defineCommand, print } from './command.ts'
import { listField, numberField, openGateway, textField } from './gateway.ts'
import { type Column, formatBytes, formatTable } from './text.ts'

const columns: readonly Column<unknown>[] = [
  {
    title: 'SIZE',
    isNumber: true,
    value: (file) => numberField(file, 'bytes') ?? '-',
    terminalText: (file) => formatBytes(numberField(file, 'bytes') ?? 0),
  },
  { title: 'FILE', isFlexible: true, value: (file) => textField(file, 'path') ?? '-' },
]

/** `cfile restore` */
export const restoreCommand: Command = defineCommand({
  name: 'restore',
  usage: 'CONTAINER',
  summary: 'Make a new container with the archived files of an expired one',
  details:
    'Prints the id of the new container first. It needs a gateway with an archive: set CFILE_URL.',
  arguments: [['CONTAINER', 'The expired container: cntr_….']],
  options: {},
  examples: [['Bring the files of a container back', 'restore cntr_68e9…']],
  takes: 'one',
  async run({ argument: id, values }, terminal) {
    const ask = await openGateway(terminal)
    const answer = await ask(`/containers/${encodeURIComponent(id)}/restore`, { method: 'POST' })
    const restored: unknown = await answer.json()
    const files = listField(restored, 'files')
    const text = () =>
      [
        textField(restored, 'container_id') ?? '',
        ...(files.length === 0 ? [] : [formatTable(columns, files, terminal.out)]),
      ].join('\n')
    print(terminal, { json: values.json, value: restored, text })
    return 0
  },
})
