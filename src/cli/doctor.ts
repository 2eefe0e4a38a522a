/**
 * `cfile doctor`: tries the settings as the server would, and says how to mend each failure.
 *
 * @module
 */

import { type Command, defineCommand } from './command.ts'
import { print } from './terminal.ts'

/** `cfile doctor` */
export const doctorCommand: Command = defineCommand({
  name: 'doctor',
  usage: '',
  summary: 'Try the settings of this machine as the server would',
  details:
    'It signs in at Azure, reads a list of containers, and writes, reads and deletes a probe in the store and in the archive. It says what to do about each failure, and ends with 1 if there is one.',
  options: {},
  examples: [
    ['Try the settings', 'doctor'],
    ['As JSON, for a script', 'doctor --json'],
  ],
  takes: 'none',
  async run({ values }, terminal) {
    // Loaded only here, since it brings the whole server.
    const { diagnose, formatDiagnosis } = await import('./diagnosis.ts')
    const diagnosis = await diagnose(terminal.env)
    const { out } = terminal
    const text = () => formatDiagnosis(diagnosis, out.width(), out.paint)
    print(terminal, { json: values.json, value: diagnosis, text })
    return diagnosis.isWell ? 0 : 1
  },
})
