/** Target that parses what an operator sets. */

import { noMachineIdentity } from '../../../src/start/settings/azure.ts'
import { parseSettings } from '../../../src/start/settings/settings.ts'
import { refusable, type Targets, textOf } from './lib.ts'

export const settingTargets: Targets = {
  settings(bytes) {
    const lines = textOf(bytes).split('\n')
    const env = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)))
    refusable(() => parseSettings(env, noMachineIdentity))
  },
}
